"""`--redact`: nothing private is left in any format, and what the crash is about is."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.cli import main
from mtedbg.render.redact import Redactor
from tests.golden.cases import CORES

Capture = pytest.CaptureFixture[str]
ADDRESS = re.compile(r"0x[0-9a-f]+")
FOLDER = "Jo Doe's secret project"
KINDS = ("heap", "runtime-patch", "other-return")
addresses = st.integers(1 << 32, (1 << 48) - (1 << 21))


@pytest.fixture(params=KINDS)
def core(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / FOLDER
    folder.mkdir()
    path = folder / f"{request.param}.core"
    path.write_bytes(gzip.decompress((CORES / f"{request.param}.core.gz").read_bytes()))
    return path


def report(core: Path, capsys: Capture, *words: str) -> str:
    assert main(["core", str(core), "--sysroot", "/x", *words]) in (0, 1)
    return capsys.readouterr().out


def large(text: str) -> set[str]:
    """The numbers in `text` that may say where something is."""
    return {one for one in ADDRESS.findall(text) if int(one, 16) & ((1 << 56) - 1) >= 1 << 32}


def test_no_format_has_an_address_or_a_folder(core: Path, capsys: Capture, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    whole = report(core, capsys, "--json")
    kept = [
        report(core, capsys, "--redact"),
        report(core, capsys, "--redact", "--json"),
        report(core, capsys, "--redact", "--html", str(page)),
        page.read_text(),
    ]
    secret = large(whole)
    assert secret
    for text in kept:
        assert not secret & large(text)
        for private in (FOLDER, "Jo Doe", "/frozen/", "/usr/lib", str(tmp_path)):
            assert private not in text


def test_what_the_crash_is_about_is_left(core: Path, capsys: Capture) -> None:
    before = json.loads(report(core, capsys, "--json"))["reports"]
    after = json.loads(report(core, capsys, "--json", "--redact"))["reports"]
    assert [one["command"] for one in before] == [one["command"] for one in after]
    assert tags(before) == tags(after)
    shape = re.compile(r"0x[0-9a-f]+|\S*/\S*|\".*\"")
    for old, new in zip(before, after, strict=True):
        assert shape.sub("_", old["headline"]) == shape.sub("_", new["headline"])


def tags(reports: list[dict[str, Any]]) -> list[object]:
    keys = ("logical_tag", "allocation_tags", "count", "tag", "signal")
    rows = [row for one in reports for row in one["rows"]]
    return [re.sub("0x[0-9a-f]+", "", str(row.get(key))) for row in rows for key in keys]


@given(addresses, st.integers(0, 1 << 20), st.integers(0, 15))
def test_tags_and_distances_stay(address: int, distance: int, tag: int) -> None:
    redactor = Redactor()
    pointer = address | tag << 56
    text = redactor.text(f"{pointer:#018x} {address:#x} {address + distance:#x}")
    first, second, third = (int(one, 16) for one in ADDRESS.findall(text))
    assert first >> 56 == tag
    assert first & ((1 << 56) - 1) == second
    assert third - second == distance


def test_the_same_is_the_same_in_every_piece() -> None:
    redactor = Redactor()
    pieces = [redactor.text(f"{0xFFFF80001000 + n:#x}") for n in (0, 0, 8)]
    assert pieces[0] == pieces[1]
    assert int(pieces[2], 16) - int(pieces[0], 16) == 8


@pytest.mark.parametrize(
    "kept",
    [
        "a274e20dfdb6  tag check fault",
        "7ac9596552bcaf16eb112a97a20bcb0012caab52",
        "libc.so.6+0x83c04",
        "0x20000 bytes past the end",
        "2026-11-29 14:06:02",
        "code 0x9",
        "libfoo.so.1.2.3",
    ],
)
def test_what_says_nothing_of_a_person_stays(kept: str) -> None:
    assert Redactor().text(kept) == kept


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("at /home/jo/src/a.c:17", "at …/a.c:17"),
        ('"file": "/home/Jo Doe/a b.c"', '"file": "…/a b.c"'),
        ("process com.example.secret.app died", "process package-1 died"),
        ('x30 reads "hunter2"', 'x30 reads "…"'),
        ("on ada at jo", "on … at jo"),
        ("/home/jo/long/app  next", "…/app              next"),
    ],
)
def test_what_is_taken_out(text: str, left: str) -> None:
    assert Redactor(["ada", "jo"]).text(text) == left


def test_a_programs_own_package_is_kept() -> None:
    redactor = Redactor()
    redactor.keep(["com.example.ours"])
    assert redactor.text("com.example.ours com.example.theirs") == "com.example.ours package-1"


def test_it_says_what_was_taken_out(core: Path, capsys: Capture) -> None:
    assert main(["core", str(core), "--redact"]) in (0, 1)
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"mtedbg: redacted: addresses: \d+, paths: \d+", said)


def test_texts_and_triage(core: Path, capsys: Capture) -> None:
    state = str(core.parent.parent / "state")
    assert main(["triage", str(core.parent), "--redact", "--state", state, "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert FOLDER not in out
    assert core.name in out
    assert main(["explain", "--redact", "SEGV_MTESERR, fault addr 0x0f0000aabbccdde0"]) == 0
    assert "aabbccdd" not in capsys.readouterr().out
