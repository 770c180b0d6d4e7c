"""Logs of many programs with crashes put in: how lines are carried, and what is between."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.support.crash_texts import Case

NOISE = (
    "starting worker {n}", "GET /index.html 200 {n}", "process {n} received signal 15 (SIGTERM)",
    "installing a handler for SIGSEGV and SIGBUS", "code {n} is not in the table",
    "pid: {n} is alive", "E0401 cannot open file: No such file or directory ({n})",
    "Exception in thread main: java.lang.IllegalStateException: {n}",
    "    at com.acme.Main.run(Main.java:{n})", "x0 is the first argument, {n} of them",
    "memory tag width 4, {n} granules", "address 0x{n:x} is mapped", "Cause: timeout after {n} ms",
    "strace: Process {n} attached", "--- a/file.c {n}", "+++ b/file.c {n}",
    "backtrace: none", "signal strength {n} dBm, code rate 3/4", "WARNING: CPU: 1 PID: {n}",
    "{{\"level\": \"info\", \"signal\": \"ok\", \"n\": {n}}}", "#{n} pc is a personal computer",
    "Process: {n} of 20 done", "PID: {n}", "thread #{n} is idle", "signal: none",
    "type: info", "==={n}===", "ESR is Edmonton's abbreviation, {n}", "corrupted by {n} users",
    "malloc: {n} bytes", "unhandled request {n}", "Received signal from base station {n}",
    "SEGV_MTESERR is described in siginfo(2), see page {n}",
    "[Warning] Aborted connection {n} to db", "server process (PID {n}) was terminated by signal 9",
    "Received signal Terminated (15), {n} jobs left", "PC: {n} of them are switched off",
    "see the chapter Segmentation fault on page {n}", "File \"main.py\", line {n}, in push",
    "*** SIGTERM received at time={n} ***", "worker {n}: Illegal instruction set name",
    "case SIGSEGV: return \"SIGSEGV\"; // {n}",
)  # fmt: skip

Wrapper = Callable[[list[str], random.Random], list[str]]


def as_is(lines: list[str], _: random.Random) -> list[str]:
    return lines


def crlf(lines: list[str], _: random.Random) -> list[str]:
    return [f"{line}\r" for line in lines]


def quoted(lines: list[str], _: random.Random) -> list[str]:
    return [f"> {line}" for line in lines]


def github(lines: list[str], chance: random.Random) -> list[str]:
    second = chance.randrange(60)
    return [f"2026-03-11T10:02:{second:02}.{n:07}Z {line}" for n, line in enumerate(lines)]


def kubernetes(lines: list[str], _: random.Random) -> list[str]:
    return [f"2026-03-11T10:02:17.{n:09}Z stderr F {line}" for n, line in enumerate(lines)]


def numbered(lines: list[str], _: random.Random) -> list[str]:
    return [f"{number:6}: {line}" for number, line in enumerate(lines, 1)]


def compose(lines: list[str], _: random.Random) -> list[str]:
    return [f"web-1  | {line}" for line in lines]


def colours(lines: list[str], _: random.Random) -> list[str]:
    return [f"\x1b[31m{line}\x1b[0m" for line in lines]


def escaped(lines: list[str], _: random.Random) -> list[str]:
    return [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]


def logcat(form: str) -> Wrapper:
    """As `logcat -v FORM` has it, of one process."""

    def wrapped(lines: list[str], chance: random.Random) -> list[str]:
        pid = chance.randrange(20_000, 30_000)
        return [form.format(pid=pid, line=line) for line in lines]

    return wrapped


THREADTIME = logcat("03-11 10:02:17.331 {pid:5} {pid:5} F DEBUG   : {line}")
YEAR = logcat("2026-03-11 10:02:17.331 +0100 {pid:5} {pid:5} F DEBUG   : {line}")
TIME = logcat("03-11 10:02:17.331 F/DEBUG   ({pid:5}): {line}")
BRIEF = logcat("F/DEBUG   ({pid:5}): {line}")
TAG = logcat("F/DEBUG   : {line}")
STUDIO = logcat("2026-03-11 10:02:17.331 {pid}-{pid}  DEBUG   crash_dump64   F  {line}")
OLD_STUDIO = logcat("2026-03-11 10:02:17.331 {pid}-{pid}/? A/DEBUG: {line}")
LONG = logcat("[ 03-11 10:02:17.331 {pid:5}:{pid:5} F/DEBUG ]\n{line}\n")

ANYWHERE: tuple[Wrapper, ...] = (
    as_is, crlf, quoted, github, kubernetes, compose, colours, escaped, numbered,
)  # fmt: skip
ANDROID: tuple[Wrapper, ...] = (THREADTIME, YEAR, TIME, BRIEF, TAG, STUDIO, OLD_STUDIO, LONG)


def noise(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(NOISE).format(n=chance.randrange(100_000)) for _ in range(count)]


def mixed(
    cases: Sequence[Case], chance: random.Random, wrappers: Sequence[Wrapper], between: int
) -> str:
    """The texts of `cases`, each carried somehow, with other lines between them."""
    lines = noise(chance, between)
    for case in cases:
        lines += chance.choice(wrappers)(case.text.splitlines(), chance)
        lines += ["", *noise(chance, chance.randint(2, max(2, between)))]
    return "\n".join(lines)
