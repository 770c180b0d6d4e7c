"""Translated code in the forms of perf and GDB, read by what knows nothing of the runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.formats.jitdump import JitDump
from mtedbg.formats.perf_map import PerfMap, path_of
from mtedbg.lab import paths, user
from mtedbg.model.foreign_code import CodeSpan, ForeignCodes
from tests.live.test_runtime_guests import run
from tests.support.gdb_session import GDBS, Session, gdb

GUEST = "queue"


def named(codes: ForeignCodes) -> dict[str, tuple[int, int]]:
    found = {}
    for one in codes.codes:
        assert isinstance(one.symbol, CodeSpan)
        found[str(one.symbol.name)] = one.symbol.start, one.symbol.end
    return found


def test_perf_has_the_same_names_in_both_forms(tmp_path: Path) -> None:
    options = f"--tier-up 2 --perf-map --jitdump {tmp_path}"
    assert run(options, GUEST).returncode == 0
    (file,) = tmp_path.iterdir()
    number = int(file.name.removeprefix("jit-").removesuffix(".dump"))
    lines = Path(path_of(number))
    try:
        of_map = PerfMap(lines.read_bytes(), str(lines))
    finally:
        lines.unlink()
    dump = JitDump(file.read_bytes(), str(file))
    names = named(dump.listed())
    assert names == named(of_map.listed())
    assert dump.pid == number
    assert {"queue.elf!consumer", "queue.elf!consumer [optimized]"} <= names.keys()
    assert len(dump) == len(of_map)
    for start, end in names.values():
        loaded = dump.loaded_at(start)
        assert loaded is not None
        assert len(dump.code(loaded)) == end - start
        assert any(dump.code(loaded))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run(f"--jitdump {tmp_path}/none", GUEST)
    assert done.returncode == 66
    assert done.stderr.startswith(f"mtetso: cannot write {tmp_path}/none/jit-")


def objects(session: Session) -> int:
    """How many objects the process has registered."""
    entry, count = session.number("__jit_debug_descriptor.first_entry"), 0
    while entry:
        count += 1
        entry = session.number(f"((jit_code_entry *) {entry})->next_entry")
    return count


@pytest.mark.parametrize("flavour", GDBS)
def test_gdb_has_the_names_by_itself(flavour: str) -> None:
    argv = [paths.runtime(), "--gdb-jit", paths.guests() / f"{GUEST}.elf"]
    with user.start(argv) as process, gdb(flavour, [argv[0]], load=False) as session:
        session.execute(f"target remote {process.socket}")
        session.execute("handle SIGSEGV stop print pass")
        assert session.resume("continue").signal == "SIGSEGV"
        said = session.execute("info symbol $pc")
        assert said.startswith(("queue.elf!consumer", "queue.elf!producer", "queue.elf!main"))
        assert "queue.elf!consumer" in session.execute("info functions queue.elf!")
        assert objects(session) > 1
        session.execute("handle SIGSEGV nostop noprint pass")
        assert session.resume("continue").reason == "exited-normally"
