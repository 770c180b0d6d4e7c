"""Calls of Linux programs that crash in the runtime, beside GDB's of the same programs natively."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.adapters.core import CoreTarget
from mtedbg.commands._offline import answer_line
from mtedbg.session import Session
from tests.support import x86_64
from tests.support.guest_crashes import crashed, program
from tests.support.native_calls import NativeCall, as_native, native_calls

pytestmark = x86_64.only_natively("the oracle is GDB on an x86-64 processor")
CASES = [
    *(("dynamic", how) for how in ("qsort", "null", "handler", "memcpy", "abort", "overflow")),
    *(("static", how) for how in ("qsort", "handler")),
    *(("stripped", how) for how in ("thread", "abort")),
    *(("c++", how) for how in ("thread", "sort", "throw")),
    *(("deaths", how) for how in ("thread-overflow", "free-twice", "assert", "jump-data")),
    *(("deaths", how) for how in ("truncated", "alternate", "overflow-alternate", "smash")),
    *(("deaths", how) for how in ("library", "fork", "exec", "tails", "key", "atexit", "crowd")),
    *(("no-build-id", how) for how in ("panic", "alternate", "library")),
    *(("deaths-c++", how) for how in ("pure", "terminate-thread", "twice", "static-destructor")),
]
SETTINGS = {
    "overflow-alternate": ("handle SIGSEGV nostop noprint pass",),
    "fork": ("set follow-fork-mode child",),
    "panic": ("handle SIGSEGV nostop noprint pass",),
}
"""Of GDB, beside those of all."""
MOST = 60
"""Frames of an endless recursion that are compared."""


def guest_calls(core: Path) -> list[NativeCall]:
    session = Session(CoreTarget(core))
    report = answer_line(session, "guest-bt")
    assert not any("guess" in note for note in report.notes), report.notes
    return [as_native(row) for row in report.rows]


@pytest.mark.parametrize(("kind", "how"), CASES)
def test_calls_are_those_of_a_native_run(kind: str, how: str, tmp_path: Path) -> None:
    path = program(kind)
    words = [how, str(program("plugin"))] if how == "library" else [how]
    core = crashed(path, tmp_path, *words)
    settings = ("handle SIGUSR1 nostop noprint pass", *SETTINGS.get(how, ()))
    expected = native_calls(path, words, tmp_path, *settings)
    found = guest_calls(core)
    if how == "memcpy":  # another variant of it on this processor: what called it is the same
        assert found[0].function.startswith("mem")
        found, expected = found[1:], expected[1:]
    assert found[:MOST] == expected[:MOST]


def test_registers_that_a_signal_handler_interrupted(tmp_path: Path) -> None:
    """As the program has set them before it faulted; its handler has others."""
    session = Session(CoreTarget(crashed(program("dynamic"), tmp_path, "registers")))
    (row,) = answer_line(session, "guest-frame --interrupted").rows
    calls = answer_line(session, "guest-bt").rows
    names = [call["function"] for call in calls]
    assert calls[names.index("<signal handler called>") + 1]["rip"] == row["rip"]
    assert calls[names.index("<signal handler called>") + 1]["function"] == "registers"
    general, vectors, x87 = row["gregs"], row["vectors"], row["x87"]
    assert isinstance(general, dict)
    assert isinstance(vectors, dict)
    assert isinstance(x87, dict)
    assert general["r12"] == 0x1122334455667788
    assert (vectors["xmm7"], vectors["mxcsr"]) == (0x1122334455667788 << 64, 0x1F80)
    assert (x87["st0"], x87["fcw"]) == (0x4000_C90F_DAA2_2168_C235, 0x37F)


def test_a_thread_whose_first_function_has_nothing_on_the_stack(tmp_path: Path) -> None:
    """As those of musl; it is in assembler, without call frame information. GDB finds more."""
    found = [call.function for call in guest_calls(crashed(program("deaths"), tmp_path, "clone"))]
    assert found == ["faults", "own_clone"]


def test_a_program_without_a_build_id_is_known_by_its_code(tmp_path: Path) -> None:
    def smashed_at(core: Path) -> int:
        (line,) = [call.line for call in guest_calls(core) if call.function == "smashed"]
        return line

    core = crashed(program("no-build-id"), tmp_path, "smash")
    assert smashed_at(core) > 0
    # Another build of it: one instruction is another one.
    path = tmp_path / program("no-build-id").name
    with path.open("r+b") as file:
        image = ELFFile(file)
        (symbol,) = image.get_section_by_name(".symtab").get_symbol_by_name("smashed")
        (offset,) = image.address_offsets(symbol["st_value"])
        file.seek(offset)
        (first,) = file.read(1)
        file.seek(offset)
        file.write(bytes([first ^ 1]))
    assert smashed_at(core) == 0, "its line is not known"
