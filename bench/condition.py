"""A breakpoint's condition on a tag, through gdbserver: what each hit costs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.lab import Lab, in_gdb, program
from bench.result import Row, Target, time_text
from mtedbg.lab import gdbserver

MAPPINGS = 2000
ROUNDS = 15
BOUND_MS = 50
PLAIN, TAG = "plain", "tag"
CONDITIONS = {PLAIN: "$x0 == 1", TAG: "$_mte_atag($x0) == 9"}
"""Neither is ever true."""


def measure(lab: Lab) -> Iterator[Row]:
    """The condition's value at a stop, by where the tagged mapping is among the others."""
    total = 50 if lab.quick else MAPPINGS
    for above, below, bound in (
        (0, 0, None),
        (total // 2, total - total // 2, BOUND_MS),
        (0, total, None),
    ):
        rounds = 2 if lab.quick else ROUNDS
        hits = str(4 * rounds + 8)
        path = program("mappings")
        with gdbserver.serve(lab.vm, [str(path), str(above), str(below), hits]) as port:
            words = [path, "-ex", "set sysroot /", "-ex", f"target remote 127.0.0.1:{port}"]
            found = in_gdb(words, "gdb_condition", conditions=CONDITIONS, rounds=rounds)
        value, hit, plain = (found[f"{name}"] for name in ("tag_value", "tag_hit", "plain_hit"))
        yield Row(
            f"{CONDITIONS[TAG]}, {above + below:,} other mappings, {below:,} before it",
            f"{time_text(value)}; a hit {time_text(hit)}",
            f"GDB {CONDITIONS[PLAIN]}: a hit {time_text(plain)}",
            Target(bound, "ms").verdict(value * 1e3) if bound else "",
        )
