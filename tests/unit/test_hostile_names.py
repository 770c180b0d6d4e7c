"""Names of strangers do nothing to a terminal, a JSON reader or a page, by any command."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mtedbg import commands
from mtedbg.cli import main
from tests.support.elf_core import (
    PAGE,
    Core,
    ImageFile,
    Load,
    MappedFile,
    R,
    Tagged,
    ThreadNotes,
    X,
)

BASE, HEAP = 0xAAAA_0000_0000, 0xFFFF_8000_0000
PIECES = [
    "\x1b[2J", "\x1b]0;title\x07", "\x1bP", "\r", "\n", "\t", "\x7f", "\x9b31m", "\x85", "\x08",
    "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\U000e0041", "\udcff", "\udc80", "é", "😀",
    "</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "%s%n", "\\",
    "'", "&amp;", "a", " ", "]]>", "--html=x",
]  # fmt: skip
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
RAW = re.compile(r"[^\n]")


def harmless(text: str) -> None:
    """No character but printable ones and line feeds."""
    wrong = sorted({c for c in RAW.findall(text) if not c.isprintable()})
    assert not wrong, f"raw {wrong}"


def strict(text: str) -> None:
    """JSON that a strict reader of UTF-8 takes."""
    one = json.loads(text, parse_constant=pytest.fail)
    json.dumps(one, ensure_ascii=False).encode("utf-8", "strict")


def hostile_core(folder: Path, name: str) -> Path:
    """A core with `name` wherever a core has one; its program is next to it."""
    plain = os.fsdecode(os.fsencode(name).replace(b"\0", b"")[:200])
    base = plain.replace("/", "") or "x"
    image = ImageFile(text=bytes(range(256)), symbols={"start": (PAGE, 64), plain: (PAGE + 64, 64)})
    contents = image.build()
    (folder / base).write_bytes(contents)
    return Core(
        loads=[
            Load(BASE, contents[:PAGE], 2 * PAGE, R | X),
            Load(BASE + 2 * PAGE, b"D" * PAGE),
            Load(HEAP, b"h" * PAGE),
        ],
        tagged=[Tagged(HEAP, bytes(range(16)) * 16)],
        threads=[
            ThreadNotes(
                registers={"pc": BASE + PAGE + 80, "x0": 5 << 56 | HEAP, "x30": BASE + PAGE + 4},
                siginfo=(11, 9, 7 << 56 | HEAP + 32),
                control=0x7FFF3,
            )
        ],
        files=[
            MappedFile(BASE, BASE + 2 * PAGE, 0, f"/{base}"),
            MappedFile(BASE + 2 * PAGE, BASE + 3 * PAGE, 2 * PAGE, f"/{base}"),
            MappedFile(HEAP, HEAP + PAGE, 0, f"/dev/{base}"),
            MappedFile(HEAP + PAGE, HEAP + 2 * PAGE, 0, "/" + base * 40),
        ],
        auxv={3: BASE + 64, 9: BASE + PAGE},
        process=(100, os.fsdecode(os.fsencode(plain)[:15])),
    ).write(folder, f"core{base}"[:60])


def said(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints; it ends in order, whatever it says."""
    status = main(list(words))
    assert status in (0, 1, 2)
    captured = capsys.readouterr()
    harmless(captured.err)
    return captured.out


def ask(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    harmless(said(words, capsys))
    if out := said([*words, "--json"], capsys):
        strict(out)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=NAMES)
@example(name="".join(PIECES[:22]))
@example(name="\x1b" * 200)
@example(name="\udcff" * 100)
def test_a_core(
    name: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("cores")
    core = str(hostile_core(folder, name))
    ask(["core", core], capsys)
    page = folder / f"{name[:20].replace('/', '')}.html"
    harmless(said(["core", core, "--html", str(page)], capsys))
    safe_page(page)
    state = ["--state", str(folder / f"{name[:20].replace('/', '')}.state"), "--workers", "1"]
    ask(["triage", core, *state, "--fresh"], capsys)
    harmless(said(["triage", core, *state, "--html", str(page)], capsys))
    safe_page(page)


def safe_page(page: Path) -> None:
    """A page that names nothing outside of itself and runs nothing of a name's."""
    text = page.read_bytes().decode("utf-8", "strict")
    harmless(text.replace("\t", ""))
    assert "Content-Security-Policy\" content=\"default-src 'none'" in text
    assert "<script" not in text
    for tag in re.findall(r"<[^>]*>", text):
        assert not re.search(r"\son[a-z]+=", tag), tag
        for attribute in re.findall(r"\s(?:src|href|action|data|srcset)=\"([^\"]*)\"", tag):
            assert attribute.startswith(("#", "data:")), tag


@pytest.mark.parametrize("command", commands.names())
def test_every_command(
    command: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "".join(PIECES[:22])
    core = str(hostile_core(tmp_path, name))
    for words in ("", " $x0 64", f" {HEAP:#x} 128", f" &'{name}'", f" {name}", " --picture p.svg"):
        harmless(said(["core", core, "-x", command + words], capsys))
        if out := said(["core", core, "-x", command + words, "--json"], capsys):
            strict(out)


@given(text=st.lists(st.sampled_from([*PIECES, "\0", "signal 11 (SIGSEGV), code 9 "])).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_explain(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    harmless(said(["explain", "--", text], capsys))
    if out := said(["explain", "--json", "--", text], capsys):
        strict(out)


@pytest.mark.parametrize("words", [["core"], ["triage"], ["profile", "show"], ["shell", "--core"]])
def test_files_that_are_not_there(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("".join(PIECES[:22]), "\x1b" * 4096, "\udcff" * 300):
        harmless(said([*words, name], capsys))


def test_a_word_that_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["core", "core", "--\x1b[2J\u202e\udcff"])
    harmless(capsys.readouterr().err)


def test_files_with_such_names_that_are_no_cores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, piece in enumerate(PIECES):
        (tmp_path / f"core{number}{piece.replace('/', '')}").write_bytes(b"no core")
    ask(["triage", str(tmp_path), "--state", str(tmp_path / "s"), "--workers", "2"], capsys)
