"""Allocation tags of 64 MiB: every tag is read and printed."""

from __future__ import annotations

from collections.abc import Iterator

from bench.lab import Lab, in_gdb, in_lldb, program
from bench.result import Row, Target, number_text
from mtedbg.lab import gdbserver

MIB = 64
SAMPLE_GDB, SAMPLE_LLDB, SAMPLE_SERVER = 4096, 65536, 64
"""Granules that the debuggers' own commands are timed on: their rate does not change with more."""


class _Comparison:
    """Rows about so many mebibytes."""

    def __init__(self, mib: int) -> None:
        self._mib = mib

    def _rate(self, duration: float) -> str:
        return f"{number_text(self._mib / duration)} MiB/s"

    def row(self, what: str, ours: float, other: float, name: str, bound: float | None) -> Row:
        ratio = other / ours
        verdict = Target(bound, "times", at_least=True).verdict(ratio) if bound else ""
        return Row(
            what, self._rate(ours), f"{name} {self._rate(other)}: {ratio:.0f} times", verdict
        )


def measure(lab: Lab) -> Iterator[Row]:
    """In GDB and LLDB on a core, and in GDB through gdbserver in the VM."""
    mib = 2 if lab.quick else MIB
    size, row = mib << 20, _Comparison(mib).row
    dead = lab.died("tagged", str(mib))
    start = dead.facts["memory"]
    words = [dead.program, "-c", dead.core]
    found = in_gdb(words, "gdb_tags", start=start, size=size, sample=SAMPLE_GDB, rounds=3)
    printing, examining = "GDB memory-tag print-allocation-tag", "GDB x/gxm"
    yield row("core, GDB: mte-tags --runs", found["runs"], found["print"], printing, 500)
    yield row("core, GDB: mte-tags --runs", found["runs"], found["examine"], examining, 500)
    yield row("core, GDB: mte-regions", found["regions"], found["print"], printing, None)
    found = in_lldb(
        [dead.program, "-c", dead.core],
        "lldb_tags", start=start, size=size, sample=SAMPLE_LLDB, rounds=5,
    )  # fmt: skip
    reading = "LLDB memory tag read"
    yield row("core, LLDB: mte-tags --runs", found["runs"], found["read"], reading, 50)
    with gdbserver.serve(lab.vm, [str(program("tagged")), str(mib)]) as port:
        words = [program("tagged"), "-ex", "set sysroot /"]
        words += ["-ex", f"target remote 127.0.0.1:{port}", "-ex", "break ready", "-ex", "continue"]
        found = in_gdb(words, "gdb_server_tags", size=size, sample=SAMPLE_SERVER, rounds=2)
    yield row("gdbserver, GDB: mte-tags --runs", found["runs"], found["print"], printing, 20)
    yield row("gdbserver, GDB: mte-tags --runs", found["runs"], found["examine"], examining, 20)
