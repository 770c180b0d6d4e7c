"""Better code, code of several programs, profiles and the code cache, in the runtime itself."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from mtedbg.cli import main
from mtedbg.lab import paths
from tests.live.test_gdb_runtime import running
from tests.live.test_runtime_guests import oracle, run
from tests.support.gdb_session import GDBS

PROGRAMS = ("sum", "programs", "lz", "queue", "locks", "mover", "callbacks", "callbacks-O0")
TIERS = (
    "--tier-up 1",
    "--tier-up 2 --tier-scope program --shared-tag 15",
    "--tier-up 2 --policy seed --step 3 --schedule seed:4",
    "--tier-up 3 --policy interpret --memops-start shared",
    "--threads threads --tier-up 2 --cores 3",
    "--threads threads --tier-up 2 --tier-scope program",
)


def passes(options: str, guest: str, *arguments: str) -> str:
    """Runs a guest, which must say what it says natively; returns its standard error."""
    done = run(options, guest, *arguments)
    assert (done.returncode, done.stdout) == (0, oracle(guest.split("-")[0])), (options, done)
    return done.stderr


@pytest.mark.parametrize("guest", PROGRAMS)
def test_better_code_does_the_same(guest: str) -> None:
    for options in TIERS:
        assert passes(options, guest) == "", options


@pytest.mark.parametrize("options", ["", "--shared-tag 15 --step 2", "--threads threads", TIERS[1]])
def test_programs_come_and_go(options: str) -> None:
    done = run(options, "loader", str(paths.guests() / "plugin.elf"))
    assert (done.returncode, done.stdout) == (0, "loaded\n"), done
    assert done.stderr == "mtetso: load: cannot open /nonexistent.elf: No such file or directory\n"


def test_a_program_that_cannot_be_loaded() -> None:
    """Where the first one is there is no room for a second."""
    done = run("", "loader", str(paths.guests() / "sum.elf"))
    assert done.returncode == 1
    assert "cannot map it" in done.stderr


def test_cached_code_with_a_mended_checksum(tmp_path: Path) -> None:
    """It says that it was made from code that the program does not have."""
    passes(f"--code-cache {tmp_path}", "sum")
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    header, checksum = 24, 8
    content[-9] ^= 1  # the end of the last of the guest's bytes; after it no counters
    content[checksum : checksum + 4] = zlib.crc32(content[header:]).to_bytes(4, "little")
    file.write_bytes(content)
    said = passes(f"--code-cache {tmp_path}", "sum")
    why = "it is not made from this program's code"
    assert said == f"mtetso: cached code refused, {why}: {file}\n"
    assert passes(f"--code-cache {tmp_path}", "sum") == ""  # it was made again


@pytest.mark.parametrize("tag", ["0", "15"])
def test_a_profile_carries_over(tmp_path: Path, tag: str) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    passes(f"--shared-tag {tag} --profile-out {first}", "mover")
    passes(f"--shared-tag {tag} --profile-in {first} --profile-out {second}", "mover")
    before, after = (memops(path) for path in (first, second))
    modes = {key: memop["mode"] for key, memop in before.items()}
    ordered = {key for key, mode in modes.items() if mode != "local"}
    assert set(modes.values()) == {"local", "shared", "either"}
    assert {key for key, memop in after.items() if memop["mode"] != "local"} >= ordered
    # What was learned is not learned again.
    assert all(after[key]["flips"] == 0 for key, mode in modes.items() if mode == "either")
    assert sum(memop["flips"] for memop in before.values()) >= len(ordered)


def memops(profile: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The memops of the one program in a profile."""
    whole = json.loads(profile.read_text())
    assert (whole["kind"], whole["version"]) == ("mtedbg-profile", 2)
    (program,) = whole["programs"]
    return {(memop["rip"], memop["ordinal"]): memop for memop in program["memops"]}


def test_a_profile_of_something_else_changes_nothing(tmp_path: Path) -> None:
    """One line says so; where one of several programs is this one, none does."""
    of_sum, of_both = tmp_path / "sum.json", tmp_path / "both.json"
    passes(f"--profile-out {of_sum}", "sum")
    said = passes(f"--profile-in {of_sum}", "lz")
    assert said == (
        f"mtetso: --profile-in {of_sum}: nothing in it is of lz.elf: it is of sum.elf\n"
    )
    passes(f"--profile-out {of_both}", "lz")
    line = ["profile", "merge", str(of_sum), str(of_both), "-o", str(of_both)]
    assert main(line) == 0
    assert passes(f"--profile-in {of_both}", "lz") == ""


def test_a_profile_that_is_none(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text('{"kind": "mtedbg-profile", "version": 1, "programs": [{}]}')
    done = run(f"--profile-in {profile}", "sum")
    assert done.returncode == 65
    assert done.stderr.startswith(f"mtetso: {profile}: the profile is malformed: ")
    done = run(f"--profile-in {tmp_path / 'absent'}", "sum")
    assert (done.returncode, done.stderr) == (
        66,
        f"mtetso: cannot read the profile {tmp_path / 'absent'}: No such file or directory\n",
    )


def test_the_code_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    options = f"--code-cache {cache}"
    assert passes(options, "lz") == ""
    (file,) = cache.iterdir()
    stored = file.read_bytes()
    assert passes(options, "lz") == ""
    assert file.read_bytes() == stored
    for other in ("--shared-tag 15", "--memops-start shared", "--step 1", "--tier-up 5"):
        passes(f"{options} {other}", "lz")
    assert len([*cache.iterdir()]) == 5
    # As compiled, never as patched: a run in which memops were patched stores the same bytes.
    patched = tmp_path / "patched"
    passes(f"--code-cache {patched} --data-start shared", "lz")
    assert next(patched.iterdir()).read_bytes() == stored


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: data[:-1], "its length is wrong"),
        (lambda data: b"", "it is cut short"),
        (lambda data: data[:-40] + b"\xff" + data[-39:], "its checksum is wrong"),
        (lambda data: b"X" + data[1:], "it is not a file of cached code"),
    ],
)
def test_damaged_code_is_refused(tmp_path: Path, damage: object, why: str) -> None:
    assert callable(damage)
    options = f"--code-cache {tmp_path}"
    passes(options, "sum")
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(damage(good))
    assert passes(options, "sum") == f"mtetso: cached code refused, {why}: {file}\n"
    assert file.read_bytes() == good  # made anew


@pytest.mark.parametrize("flavour", GDBS)
def test_what_a_debugger_sees(flavour: str) -> None:
    """Tiers, superseded blocks, lazy entry stubs and programs, at the runtime's end."""
    options = ("--tier-up", "3000", "--tier-scope", "program")  # after some callbacks
    with running(flavour, *options, guest="callbacks") as guest:
        guest.session.execute("handle SIGSEGV nostop noprint pass")
        guest.session.execute("tbreak mtetso::close_debug_root")
        assert guest.session.resume("continue").reason == "breakpoint-hit"
        blocks = guest.session.rows("jit-blocks")
        alive = [row for row in blocks if row["state"] == "Published"]
        kinds = [row["kind"] for row in alive]
        assert kinds.count("OptimizedTier") == 1
        assert kinds.count("SharedStubs") == 2  # the process's, and the program's import thunks
        assert "BaselineTier" not in kinds
        tiers = {row["tier"] for row in alive if row["kind"] == "LazyStubs"}
        assert tiers == {None, "Baseline", "Optimized"}
        (baseline,) = (row for row in blocks if row["kind"] == "BaselineTier")
        assert baseline["state"] == "Retired"  # not unmapped: native code may call its stubs
        (better,) = (row for row in alive if row["kind"] == "OptimizedTier")
        memops = guest.session.rows(f"memops --block {better['id']}")
        assert memops
        assert guest.session.json("jit-audit")["rows"] == []
        stub = next(row for row in alive if row["kind"] == "LazyStubs" and row["tier"] is not None)
        report = guest.session.json(f"jit-block {stub['base']}")
        assert report["rows"][0]["range"]["kind"] == "EntryStub"
        assert report["rows"][0]["function"] in ("less", "greater", "add", "nested")
        assert f"a stub into block {baseline['id']}" in report["notes"]


@pytest.mark.parametrize("flavour", GDBS)
def test_a_debugger_tells_programs_apart(flavour: str) -> None:
    with running(flavour, guest="loader", arguments=[str(paths.guests() / "plugin.elf")]) as guest:
        guest.session.execute("handle SIGSEGV nostop noprint pass")
        guest.session.execute("tbreak mtetso::Process::unload")
        assert guest.session.resume("continue").reason == "breakpoint-hit"
        blocks = guest.session.rows("jit-blocks")
        told = [guest.session.json(f"jit-block {row['base']}")["notes"] for row in blocks]
        of = {note for notes in told for note in notes if note.startswith("code of")}
        assert of == {"code of loader.elf", "code of plugin.elf"}
        # At the end the other program's code is gone, and known to be.
        guest.session.execute("tbreak mtetso::close_debug_root")
        assert guest.session.resume("continue").reason == "breakpoint-hit"
        retired = [row for row in guest.session.rows("jit-blocks") if row["state"] != "Published"]
        assert retired
        for row in retired:
            notes = guest.session.json(f"jit-block {row['base']}")["notes"]
            assert "retired: its program was unloaded" in notes
        assert "Unmapped" in {row["state"] for row in retired}
