"""What mtedbg says of a core."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtedbg.adapters.dead import open_dead
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.stacks.host_calls import HostCalls, host_calls
from mtedbg.render.json import to_object
from mtedbg.report import Report
from mtedbg.reports import cause as cause_report
from mtedbg.reports import host_calls as host_calls_report
from mtedbg.session import Session


@dataclass(frozen=True)
class Said:
    """The first line and the calls.

    Args:
        headline: the first line.
        row: the cause as JSON has it.
        calls: rows of the calls of each thread, by its number in the kernel.
        ends: why the calls of a thread end, in words; empty where they are said to be whole.
        seconds: what it took.
    """

    headline: str
    row: dict[str, Any]
    calls: dict[int, list[dict[str, Any]]]
    ends: dict[int, str]
    seconds: float


def said_of(core: Path, sysroot: str = "", *, calls: bool = True) -> Said:
    """Reads one core.

    Args:
        core: the file; its program is beside it, or is not to be found.
        sysroot: as the option; "" for this machine's libraries.
        calls: whether the calls are asked for.
    """
    start = time.perf_counter()
    session = Session(open_dead(str(core), "", sysroot))
    answer = to_object(
        Report("cause", session.info, cause_report.COLUMNS, cause_report.answer(cause(session)))
    )
    chains: dict[int, list[dict[str, Any]]] = {}
    ends: dict[int, str] = {}
    for thread in session.target.threads() if calls else ():
        found = host_calls(session, thread)
        chain = to_object(
            Report(
                "host-calls",
                session.info,
                host_calls_report.COLUMNS,
                host_calls_report.answer(found),
            )
        )
        chains[thread.tid] = chain["rows"]
        ends[thread.tid] = found.end if isinstance(found, HostCalls) else str(found)
    seconds = time.perf_counter() - start
    return Said(answer["headline"], answer["rows"][0], chains, ends, seconds)
