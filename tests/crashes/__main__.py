"""`python -m tests.crashes`: the whole matrix, and a table of what is right in it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crashes import cells, grouping
from tests.crashes.damage import faults
from tests.crashes.debugger import differences, gdb_calls, invented
from tests.crashes.produce import VARIANTS, Crash, kept, produce_all, vm_for_crashes
from tests.crashes.said import Said, said_of
from tests.crashes.verdict import Judged, Verdict, judge


@dataclass(frozen=True)
class Answer:
    """What was said of one core beside one set of files, or how it failed."""

    crash: Crash
    variant: str
    said: Said | None
    judged: Judged
    failure: str = ""


def answer(crash: Crash, variant: str) -> Answer:
    """Reads and judges one."""
    try:
        said = read(crash, variant)
        judged = judge(said.headline, said.row, crash.truth, files=variant != "alone")
    except Exception:  # whatever it is, it belongs in the table
        failure = traceback.format_exc()
        return Answer(crash, variant, None, Judged(Verdict.WRONG, failure), failure)
    return Answer(crash, variant, said, judged)


def read(crash: Crash, variant: str) -> Said:
    """Reads one; alone means: no libraries either."""
    if variant != "alone":
        return said_of(crash.core(variant))
    with tempfile.TemporaryDirectory() as nothing:
        return said_of(crash.core(variant), nothing)


def table(answers: Sequence[Answer]) -> str:
    """Counts by program, allocator and variant."""
    counts: dict[tuple[str, ...], Counter[Verdict]] = {}
    for each in answers:
        truth = each.crash.truth
        key = (truth["program"], truth["allocator"], each.variant)
        counts.setdefault(key, Counter())[each.judged.verdict] += 1
        counts.setdefault(("all", "", ""), Counter())[each.judged.verdict] += 1
    head = ("program", "allocator", "files", *(verdict.value for verdict in Verdict))
    lines = ["{:10} {:10} {:10} {:>6} {:>12} {:>6}".format(*head)]
    for key, count in sorted(counts.items(), key=lambda item: (item[0][0] == "all", item[0])):
        numbers = [count[verdict] for verdict in Verdict]
        lines.append(
            f"{key[0]:10} {key[1]:10} {key[2]:10} {numbers[0]:6} {numbers[1]:12} {numbers[2]:6}"
        )
    return "\n".join(lines)


def wrong_calls(answers: Sequence[Answer]) -> list[str]:
    """Where calls are not GDB's, one line each.

    Where a stripped program has no unwinding information for a function GDB guesses, so what
    differs from that must be among the calls that it gives with all files.
    """
    read = [each for each in answers if each.said is not None]
    same = gdb_calls([(each.crash, _files(each)) for each in read])
    whole = gdb_calls([(each.crash, "exe") for each in read])
    found = []
    for each, theirs, all_of_them in zip(read, same, whole, strict=True):
        assert each.said is not None
        for thread, frames in theirs.items():
            ours, end = each.said.calls.get(thread, []), each.said.ends.get(thread, "")
            wrong = differences(ours, end, frames) if each.variant != "alone" else []
            if each.variant == "alone" or (wrong and each.variant == "stripped"):
                wrong = invented(ours, all_of_them[thread])
            found += [f"{each.crash.core(each.variant)} thread {thread}: {one}" for one in wrong]
    return found


def _files(each: Answer) -> str:
    """A core alone says nothing to GDB, so it is held against GDB with all files."""
    return "exe" if each.variant == "alone" else each.variant


PARTS = ("lines", "calls", "damaged", "groups")
DAMAGED = 600


def main() -> int:
    """Runs it; 0 where all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--into", type=Path, help="a folder that keeps the cores")
    parser.add_argument("--kept", action="store_true", help="judge what that folder has")
    parser.add_argument("--match", default="", help="only cells with this in their names")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="files beside the cores")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    parser.add_argument("--every", type=Path, help="a file for each answer, a line of JSON each")
    parser.add_argument("--parts", default=",".join(PARTS), help="what is looked at")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="mtedbg-crashes-") as temporary:
        into = arguments.into or Path(temporary) / "cores"
        if arguments.kept:
            crashes = [crash for crash in kept(into) if arguments.match in crash.name]
        else:
            crashes = _produced(arguments.match, into)
        good = True
        if "lines" in parts:
            variants = arguments.variants.split(",")
            answers = answered(crashes, variants, arguments.workers)
            good &= _report(answers, arguments.every, calls="calls" in parts)
        if "damaged" in parts:
            good &= _damaged(crashes, Path(temporary) / "damaged")
        if "groups" in parts and not arguments.match:
            good &= _groups(Path(temporary))
        return 0 if good else 1


def answered(crashes: Sequence[Crash], variants: Sequence[str], workers: int = 1) -> list[Answer]:
    """Reads and judges all of them."""
    jobs = [(crash, variant) for variant in variants for crash in crashes]
    if workers == 1:
        return [answer(*job) for job in jobs]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(answer, *zip(*jobs, strict=True), chunksize=8))


def _damaged(crashes: Sequence[Crash], into: Path) -> bool:
    into.mkdir()
    found = faults(crashes, DAMAGED, into)
    print(f"{DAMAGED} damaged copies: {len(found)} are not read as they should be")
    for line in found:
        print(line)
    return not found


def _groups(work: Path) -> bool:
    good = True
    for allocator in grouping.ALLOCATORS:
        made: list[Crash] = []
        with vm_for_crashes() as vm:
            for rebuilt in (False, True):
                made += grouping.crashes(
                    vm, allocator, grouping.BUGS, grouping.RUNS, work / allocator, rebuilt=rebuilt
                )
        found = grouping.measure(made, "exe", work)
        print(f"{allocator}: {found}")
        for line in (*found.mixed, *found.split):
            print(f"  {line}")
        good &= min(found.precision, found.recall) >= grouping.LEAST
    return good


def _produced(match: str, into: Path) -> list[Crash]:
    chosen = [cell for cell in cells.whole() if match in cell.name]
    crashes = []
    for number, crash in enumerate(produce_all(chosen, into), 1):
        crashes.append(crash)
        if number % 50 == 0:
            print(f"{number} of {len(chosen)} crashed", flush=True)
    return crashes


def _report(answers: Sequence[Answer], every: Path | None, *, calls: bool) -> bool:
    print(table(answers))
    if every:
        every.write_text("".join(f"{json.dumps(_entry(each))}\n" for each in answers))
    bad = [each for each in answers if each.judged.verdict is Verdict.WRONG]
    for each in bad:
        said = each.said.headline if each.said else each.failure
        print(f"wrong: {each.crash.core(each.variant)}: {said}: {each.judged.why}")
    found = wrong_calls(answers) if calls else []
    print(f"{len(found)} calls are not GDB's")
    for line in found:
        print(line)
    return not bad and not found


def _entry(each: Answer) -> dict[str, str]:
    return {
        "verdict": each.judged.verdict.value,
        "core": str(each.crash.core(each.variant)),
        "said": each.said.headline if each.said else each.failure,
        "why": each.judged.why,
        "true": each.crash.truth["cause"],
    }


if __name__ == "__main__":
    sys.exit(main())
