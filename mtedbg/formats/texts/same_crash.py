"""Whether two texts, or tombstones, of one device with the same process and thread are one crash.

Process ids are used again: a device that goes on crashing comes round to them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import present, then
from mtedbg.model.crash_text import CrashText
from mtedbg.model.pointer import strip

_TIME = re.compile(
    r"\s*(?:(\d{4})-)?(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?"
    r"(?:\s?(Z|[+-]\d\d:?\d\d))?\s*"
)
_LEAP = 2000
"""Stands for the year that most logs leave out; it has every day."""
_NEAR = timedelta(minutes=2)
"""From a crash to what is written of it last: debuggerd waits for every thread."""
_ZONES = timedelta(minutes=15)
"""Every zone is so many of these from UTC."""
_MOST_ZONES = timedelta(hours=14) + _NEAR
"""One of the two is the device's, the other UTC."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What tells crashes of one process and thread apart."""

    pid: int
    tid: int
    signal: int | None
    address: int | None
    time: str


def crash_of(text: CrashText) -> Crash | None:
    """What tells a crash from others; None where its process or thread is not known."""
    if not isinstance(text.pid, int) or not isinstance(text.tid, int):
        return None
    address = then(text.address, strip)
    return Crash(
        text.pid,
        text.tid,
        text.signal if present(text.signal) else None,
        address if present(address) else None,
        dict(text.facts).get("time") or text.time,
    )


def are_one(old: Crash, new: Crash) -> bool:
    """Whether both are one crash: the ids are the same, and nothing that both say differs.

    Times count where both have one that can be compared. Those that are apart as a zone and UTC
    are, of which one does not say which it is, are of one crash only if both have its address.
    """
    if (old.pid, old.tid) != (new.pid, new.tid):
        return False
    both = ((old.signal, new.signal), (old.address, new.address))
    if any(None not in pair and pair[0] != pair[1] for pair in both):
        return False
    mine, its = _moment(old.time), _moment(new.time)
    if mine is None or its is None:
        return True
    apart = _apart(mine, its)
    if apart <= _NEAR:
        return True
    known = mine.tzinfo is not None and its.tzinfo is not None
    if known or apart > _MOST_ZONES or old.address is None or new.address is None:
        return False
    rest = apart % _ZONES
    return min(rest, _ZONES - rest) <= _NEAR


def _apart(old: datetime, new: datetime) -> timedelta:
    """How far apart two times are, whose year may be left out, by the clock where a zone is."""
    if old.tzinfo is None or new.tzinfo is None:
        old, new = old.replace(tzinfo=None), new.replace(tzinfo=None)
    if _LEAP in (old.year, new.year):
        old, new = old.replace(year=_LEAP), new.replace(year=_LEAP)
    apart = abs(old - new)
    year = timedelta(days=366)
    return min(apart, year - apart) if _LEAP in (old.year, new.year) and apart <= year else apart


def _moment(text: str) -> datetime | None:
    """A time of a log or a tombstone; None of another form, such as seconds since boot."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[n] or _LEAP) for n in range(1, 7))
    zone = None if found[7] is None else _zone(found[7])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _zone(text: str) -> timezone | None:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    apart = timedelta(hours=hours, minutes=minutes)
    if apart >= timedelta(hours=24):
        return None
    return timezone(-apart if text[0] == "-" else apart)
