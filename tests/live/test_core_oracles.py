"""`mtedbg core` on real kernel cores says what GDB and LLDB say of the same files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.stacks.host_calls import HostCalls, host_calls
from mtedbg.model.absent import Absent
from mtedbg.session import Session
from tests.support.cores import CASES, KernelCore
from tests.support.oracles import GRANULE, gdb, gdb_registers, gdb_tags, lldb_tags

Cores = dict[str, KernelCore]
WITH_TAGS = [name for name in CASES if name not in ("filtered", "abort")]
GRANULES = 512
ADDRESS_BITS = (1 << 56) - 1


def ask(case: KernelCore, *lines: str) -> dict[str, Any]:
    """What `mtedbg core --json` prints."""
    command = [sys.executable, "-m", "mtedbg", "core", str(case.core), "--json"]
    for line in lines:
        command += ["-x", line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def our_tags(case: KernelCore, start: int, granules: int) -> list[int | None]:
    answer = ask(case, f"mte-tags {start:#x} {granules * GRANULE} --granules")
    starts = [int(row["start"], 16) for row in answer["rows"]]
    assert starts == list(range(start, start + granules * GRANULE, GRANULE))
    return [row["tag"] for row in answer["rows"]]


@pytest.mark.parametrize("name", WITH_TAGS)
def test_tags_are_gdbs_and_lldbs(kernel_cores: Cores, tmp_path: Path, name: str) -> None:
    case = kernel_cores[name]
    regions = CoreTarget(case.core).regions()
    assert not isinstance(regions, Absent)
    tagged = [region for region in regions if region.tagged]
    assert tagged
    for region in tagged:
        granules = min((region.end - region.start) // GRANULE, GRANULES)
        ours = our_tags(case, region.start, granules)
        if set(ours) == {None}:  # MADV_DONTDUMP: GDB says nothing of it
            assert not region.dumped
            continue
        assert ours == gdb_tags(case.core, case.program, tmp_path, region.start, granules)
        # LLDB refuses a range that ends where the tag segment ends ("No tag segment that covers").
        short = granules - (region.start + granules * GRANULE == region.end)
        assert ours[:short] == lldb_tags(case.core, region.start, short)


def test_an_odd_start_and_length_shift_nothing(kernel_cores: Cores, tmp_path: Path) -> None:
    case = kernel_cores["sync"]
    start = case.fact("memory") + 7 * GRANULE
    assert our_tags(case, start, 9) == gdb_tags(case.core, case.program, tmp_path, start, 9)


def test_tags_are_those_that_the_program_read(kernel_cores: Cores) -> None:
    case = kernel_cores["sync"]
    expected = case.facts["tags"]
    assert our_tags(case, case.fact("memory"), len(expected)) == expected


def test_tags_not_dumped_are_a_hole_and_not_zero(kernel_cores: Cores) -> None:
    case = kernel_cores["filtered"]
    answer = ask(case, f"mte-tags {case.fact('memory'):#x} 64")
    assert answer["partial"] is True
    assert [row["tag"] for row in answer["rows"]] == [None]
    assert any("not dumped in this core" in note for note in answer["notes"])


def test_a_hole_in_tagged_memory(kernel_cores: Cores) -> None:
    case = kernel_cores["partial"]
    hole, size = case.fact("hole"), case.fact("hole_size")
    rows = ask(case, f"mte-tags {hole - 16:#x} {size + 32} --runs")["rows"]
    holes = [row for row in rows if row["tag"] is None]
    assert [(row["start"], row["end"]) for row in holes] == [(hex(hole), hex(hole + size))]


@pytest.mark.parametrize("name", ["sync", "straddle", "heap", "partial", "threads"])
def test_a_synchronous_fault(kernel_cores: Cores, name: str) -> None:
    case = kernel_cores[name]
    (row,) = ask(case, "mte-fault")["rows"]
    raw = int(row["fault_address_raw"], 16)
    assert (row["signal"], row["code_name"], row["imprecise"]) == ("SIGSEGV", "SEGV_MTESERR", False)
    assert int(row["address"], 16) == raw & ADDRESS_BITS
    assert row["logical_tag"] == case.fact("pointer") >> 56 & 15
    low = case.fact("pointer") & ADDRESS_BITS
    assert low <= int(row["address"], 16) < low + 8
    tags = {int(entry["address"], 16): entry["tag"] for entry in row["allocation_tags"]}
    first = low // GRANULE * GRANULE
    last = (low + 7) // GRANULE * GRANULE
    assert list(tags) == list(range(first, last + 1, GRANULE))
    assert row["logical_tag"] in tags.values() if name == "straddle" else True
    assert set(tags.values()) - {row["logical_tag"]}
    assert (row["access"], row["size"]) == ("load", 8)


def test_an_asynchronous_fault_is_imprecise(kernel_cores: Cores) -> None:
    (row,) = ask(kernel_cores["async"], "mte-fault")["rows"]
    assert (row["code_name"], row["imprecise"]) == ("SEGV_MTEAERR", True)
    assert row["address"] is None
    assert int(row["fault_address_raw"], 16) == 0


def test_another_fault_is_not_called_a_tag_check_fault(kernel_cores: Cores) -> None:
    case = kernel_cores["abort"]
    answer = ask(case, "mte-fault")
    assert answer["rows"][0]["code_name"] == "SEGV_MAPERR"
    assert answer["headline"] == (
        f"not a tag check fault: SIGSEGV SEGV_MAPERR at {case.fact('pointer'):#x}"
    )


@pytest.mark.parametrize("name", CASES)
def test_registers_are_gdbs(kernel_cores: Cores, tmp_path: Path, name: str) -> None:
    case = kernel_cores[name]
    target = CoreTarget(case.core)
    theirs = gdb_registers(case.core, case.program, tmp_path)
    assert len(theirs) == len(target.threads())
    for thread, expected in zip(target.threads(), theirs, strict=True):
        ours = target.registers(thread)
        assert not isinstance(ours, Absent)
        assert {key: ours[key] for key in expected} == expected


def test_every_thread_has_its_check_mode(kernel_cores: Cores) -> None:
    case = kernel_cores["threads"]
    threads = {thread.tid: thread for thread in CoreTarget(case.core).threads()}
    modes = {"none": 0, "sync": 1, "async": 2, "both": 3}
    for name, mode in modes.items():
        word = threads[case.fact(name)].tagged_addr_ctrl
        assert not isinstance(word, Absent)
        assert word >> 1 & 3 == mode
    assert [thread.tid for thread in threads.values() if thread.current] == [case.fact("sync")]


@pytest.mark.parametrize("name", CASES)
def test_memory_and_symbols_are_gdbs(kernel_cores: Cores, tmp_path: Path, name: str) -> None:
    """Code that was not dumped comes from the program and the libraries, if they are the same."""
    case = kernel_cores[name]
    target = CoreTarget(case.core)
    (first, *_) = target.threads()
    registers = target.registers(first)
    assert not isinstance(registers, Absent)
    # With the filter of this core nothing private was dumped: no stack there to compare.
    places = [registers["pc"]] + [registers["sp"]] * (name != "filtered")
    lines = [f'printf "%#lx\\n", *(unsigned long *){place:#x}' for place in places]
    lines += ['printf "%#lx\\n", (unsigned long)&main', "info symbol $pc"]
    printed = gdb(case.core, case.program, tmp_path, *lines)
    *values, symbol = printed.splitlines()[-len(lines) :]
    for address, value in zip(places, values[:-1], strict=True):
        data = target.read_memory(address, 8)
        assert not isinstance(data, Absent)
        assert int.from_bytes(data, "little") == int(value, 16)
    assert target.symbol_address("main") == int(values[-1], 16)
    described = target.symbol_at(places[0])
    assert not isinstance(described, Absent)
    match = re.match(r"(\w+)(?: \+ (\d+))?", symbol)
    assert match
    assert (described.name, described.offset) == (match[1], int(match[2] or 0))


def test_symbols_of_the_vdso_are_in_the_core(kernel_cores: Cores, tmp_path: Path) -> None:
    case = kernel_cores["sync"]
    address = CoreTarget(case.core).symbol_address("__kernel_rt_sigreturn")
    assert not isinstance(address, Absent)
    printed = gdb(case.core, case.program, tmp_path, f"info symbol {address:#x}")
    assert printed.splitlines()[-1].startswith("__kernel_rt_sigreturn in section .text of ")


@pytest.mark.parametrize("name", CASES)
def test_the_post_mortem_is_whole(kernel_cores: Cores, name: str) -> None:
    case = kernel_cores[name]
    command = [sys.executable, "-m", "mtedbg", "core", str(case.core)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert "tag check fault" in first
    titles = [line.split("  ")[0] for line in rest]
    for title in ("Signal and fault", "Code", "Threads", "Not in this core"):
        assert title in titles
    assert sum(line.startswith("=>") and "0x" in line for line in rest) >= 1


def test_several_commands_are_one_json_object(kernel_cores: Cores) -> None:
    answer = ask(kernel_cores["sync"], "mte-fault", "mte-tags $pc 16")
    assert answer["schema"] == "mtedbg/reports/1"
    assert [report["command"] for report in answer["reports"]] == ["mte-fault", "mte-tags"]


@pytest.mark.parametrize("name", ["sync", "async", "threads"])
def test_calls_are_gdbs(kernel_cores: Cores, tmp_path: Path, name: str) -> None:
    """By frame records and a guess, what GDB has by unwind tables."""
    case = kernel_cores[name]
    walk = "f = gdb.newest_frame()\nwhile f:\n if f.type() != gdb.INLINE_FRAME: print('pc', f.pc())"
    lines = (
        "set backtrace past-main on",
        "set backtrace past-entry on",
        "python",
        walk,
        " f = f.older()",
    )
    printed = gdb(case.core, case.program, tmp_path, *lines, "end")
    theirs = [int(pc) for pc in re.findall(r"^pc (\d+)$", printed, re.M)]
    session = Session(CoreTarget(case.core))
    calls = host_calls(session, session.current_thread())
    assert isinstance(calls, HostCalls)
    ours = [frame.pc for frame in calls.frames]
    assert len(theirs) >= 4
    assert ours == theirs
