"""Lines of a log → what was written, without what whoever carried it put around it.

Prefixes that are known: logcat in its forms (logprint.cpp of AOSP: brief, process, tag, thread,
time, threadtime, long, with year, zone, uid or epoch) and Android Studio's; dmesg (`[seconds][
Ttid]`), journald and syslog; CI and containers (times in ISO 8601, `stderr F`, `name | `); quoting
with `>`.
ANSI colours and HTML's escapes are taken out. A prefix that is not known stays, and does no harm:
decoders look for what they know anywhere in the line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from mtedbg.dataclass import dataclass, replace

_MOST_SPACES = 64
_SPACES = re.compile(rf" {{{_MOST_SPACES},}}")
LONGEST = 4096
"""Characters of a line that are looked at."""

_ANSI = re.compile(r"\x1b(?:\[[0-9;:?]{0,32}[ -/]?[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|[@-_])")
_QUOTE = re.compile(r"(?:>[ >]?){1,8}(?=\s|\S)|\|\s(?=\S)")
_ESCAPES = ("&gt;", "&lt;", "&#", "&amp;", "&quot;", "&nbsp;")
_TAGS = re.compile(r"</?(?:br|p|pre|code|span|div|li|td|tr)\b[^<>]{0,64}/?>", re.IGNORECASE)

_DATE = r"(?:\d{4}-)?\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|[+-]\d\d:?\d\d))?"
_RECORD = tuple(
    re.compile(pattern)
    for pattern in (
        # threadtime, with year, zone, uid or epoch
        rf"(?P<time>{_DATE}|\d{{9,11}}\.\d{{3,9}})\s+(?:\w+\s+)??(?P<pid>\d+)\s+(?P<tid>\d+)"
        r"\s+(?P<level>[VDIWEFAS])\s(?P<tag>[^:\n]{0,64}?)\s*: ?",
        # Android Studio, before and after Electric Eel
        rf"(?P<time>{_DATE})\s+(?P<pid>\d+)-(?P<tid>\d+)/\S+\s(?P<level>[VDIWEFA])/(?P<tag>[^:\n]"
        r"{0,64}?)\s*: ?",
        rf"(?P<time>{_DATE})\s+(?P<pid>\d+)-(?P<tid>\d+)\s+(?P<tag>\S+)\s+\S+\s+"
        r"(?P<level>[VDIWEFA])\s\s?",
        # time, brief
        rf"(?:(?P<time>{_DATE})\s+)?(?P<level>[VDIWEFAS])/(?P<tag>[^\n(]{{0,64}}?)\s*"
        r"\(\s*(?P<pid>\d+)\): ?",
        r"(?P<level>[VDIWEFAS])/(?P<tag>[\w.$-]{1,64})\s*: ",  # tag
        r"(?P<level>[VDIWEFAS])\(\s*(?P<pid>\d+):\s*(?P<tid>\d+)\) ",  # thread
        r"(?P<level>[VDIWEFAS])\(\s*(?P<pid>\d+)\) ",  # process
    )
)
_LONG = re.compile(
    rf"\[ (?P<time>{_DATE})\s+(?P<pid>\d+):\s*(?P<tid>\d+) (?P<level>[VDIWEFAS])/(?P<tag>\S+)\s*\]"
)
_KERNEL = re.compile(
    r"(?:<\d{1,3}>)?\[\s*(?P<time>\d{1,10}\.\d{3,9})\](?:\s?\[\s*[TC]\s*(?P<tid>\d+)\])? ?"
    r"|(?:<\d{1,3}>)?\[(?P<date>[A-Z][a-z]{2} [A-Z][a-z]{2}\s+\d+ \d\d:\d\d:\d\d \d{4})\] ?"
    r"|<\d{1,3}>(?=\S)"
)
_JOURNAL = re.compile(
    r"(?P<time>[A-Z][a-z]{2}\s+\d{1,2} \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?[+-]\d\d:?\d\d) "
    r"(?P<host>[\w.-]{1,64}) (?P<tag>[\w@.\\:/()-]{1,64}?)(?:\[(?P<pid>\d+)\])?: "
)
_CI = tuple(
    re.compile(pattern)
    for pattern in (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
        r"(?: std(?:out|err) [FP]| \d\d[EO][+ ]?)? ?",
        r"\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?\] ",
        r"\[\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\] ",
        r"\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})? (?!\s*\d+[ -]\d)",
        r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})? ",
        r"\d{1,7}: ",  # cat -n, grep -n
        r"[*-] (?=\S)",  # lists
        r"[\w.-]{1,48}\s+\| ",
        r"#\d{1,4} \d{1,6}\.\d{1,3} ",
        r"\[(?:stdout|stderr|err|out|exec|java|pid=\d{1,10}\]\[(?:err|out))\] ",
    )
)
_MOST_LAYERS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A line without what surrounds it.

    Attributes:
        number: from 1.
        text: what was written.
        stream: whose lines these are, where several write into one log: two lines of one crash have
            the same, unless several processes tell of it.
        pid: of the process that wrote the line, by its log record; None where there is none.
        tid: of the thread.
        tag: of the log record.
        time: as in the log; may be empty.
        depth: how deep it is quoted.
    """

    number: int
    text: str
    stream: str = ""
    pid: int | None = None
    tid: int | None = None
    tag: str = ""
    time: str = ""
    depth: int = 0


def plain(line: str) -> str:
    """`line` with a space for each character that cannot be printed, and without colours."""
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    if "&" in line and any(escape in line for escape in _ESCAPES):
        line = html.unescape(line)
    if ("<" in line and "</" in line) or "<br" in line or "<p" in line:
        line = _TAGS.sub("", line)
    if not line.isprintable():
        line = "".join(one if one.isprintable() else " " for one in line)
    return _SPACES.sub(_MOST_SPACES * " ", line) if _MOST_SPACES * "  " in line else line


class Unwrapper:
    """Takes prefixes off, line by line: a record of logcat's long form holds for what follows."""

    def __init__(self) -> None:
        self._long: dict[str, str] | None = None

    def line(self, number: int, raw: str) -> Line:
        """One line of a file, without its end."""
        text = plain(raw[:LONGEST]).rstrip()
        depth = 0
        found: dict[str, str] = {}
        for _ in range(_MOST_LAYERS):
            stripped = text.lstrip()
            if not stripped:
                self._long = None
                break
            if stripped[0] in ">|" and (quote := _QUOTE.match(stripped)) and not _arrow(stripped):
                depth += quote[0].count(">") or 1
                text = stripped[quote.end() :]
                continue
            rest = self._unwrap(stripped, found)
            if rest is None:
                break
            text = rest
        if not found and self._long is not None:
            found = self._long
        return _made(number, text, found, depth)

    def _unwrap(self, text: str, found: dict[str, str]) -> str | None:
        """The line without one more prefix; None where none is known."""
        first = text[0]
        if first == "[" and (match := _LONG.match(text)):
            self._long = {name: value for name, value in match.groupdict().items() if value}
            found.update(self._long)
            return text[match.end() :]
        if first.isdigit() or first in "VDIWEFAS":
            for pattern in _RECORD:
                if match := pattern.match(text):
                    found.update({k: v for k, v in match.groupdict().items() if v})
                    return text[match.end() :]
        if first in "[<" and (match := _KERNEL.match(text)) and match.end():
            found.setdefault("tag", "kernel")
            found.setdefault("time", match["time"] or match["date"] or "")
            if match["tid"]:
                found.setdefault("writer", match["tid"])
            return text[match.end() :]
        if (first.isdigit() or first.isupper()) and (match := _JOURNAL.match(text)):
            found.update({k: v for k, v in match.groupdict().items() if v and k != "host"})
            return text[match.end() :]
        for pattern in _CI:
            if match := pattern.match(text):
                return text[match.end() :]
        return None


def _arrow(text: str) -> bool:
    """Whether a line's `>` is its own: `>>> name <<<`, KASAN's `>ffff…:`."""
    return text.startswith(">>>") or bool(re.match(r">[0-9a-f]{12,16}:", text))


def _made(number: int, text: str, found: dict[str, str], depth: int) -> Line:
    pid = int(found["pid"][:10]) if "pid" in found else None
    tid = int(found["tid"][:10]) if "tid" in found else None
    tag = found.get("tag", "").strip()
    stream = ""
    if pid is not None:
        stream = f"{pid}"
    elif tag:
        stream = f"{tag}:{found.get('writer', '')}"
    return Line(number, text, stream, pid, tid, tag, found.get("time", ""), depth)


# A line that was broken by whoever carried it: how it begins, and what it must have to be whole.
_BROKEN = (
    (
        re.compile(r"(?:Fatal )?signal \d+ (?!.{0,200}\bin tid)"),
        re.compile(r"fault addr \S|\bin tid|\)$"),
    ),
    (re.compile(r"Fatal signal \d+.{0,200}\bin tid"), re.compile(r", pid \d+ \(.*\)$|, pid \d+$")),
    (re.compile(r"\[signal SIG"), re.compile(r"\]")),
    (re.compile(r"\S+\[\d+\]: unhandled exception"), re.compile(r"\]$|\d$")),
    (re.compile(r"pid: \d+,"), re.compile(r"<<<")),
    (re.compile(r"tagged_addr_ctrl:|pac_enabled_keys:"), re.compile(r"\)|[0-9a-f]{16}$")),
    (re.compile(r"Memory tags around"), re.compile(r":$")),
    (re.compile(r"Memory tag violation while"), re.compile(r"address \S")),
    (re.compile(r"signal: \d+ "), re.compile(r"faultAddr \S|SI_\w+\)")),
    (re.compile(r"--- SIG[A-Z]+ \{"), re.compile(r"\}")),
    (re.compile(r"siginfo: si_signo"), re.compile(r"si_addr: \S|si_pid")),
    (re.compile(r"Exception Subtype:"), re.compile(r"\S$")),
    (re.compile(r"\* thread #\d+[^(]{0,300}stop reason = [^(]{0,200}\("), re.compile(r"\)$")),
    (re.compile(r"BUG: KASAN:"), re.compile(r"\S")),
    (re.compile(r"(?:READ|WRITE) of size"), re.compile(r"ptr/mem|thread")),
)
_MOST_JOINED = 3


class Joiner:
    """Makes lines whole again that mail and trackers broke."""

    def __init__(self) -> None:
        self._held: Line | None = None
        self._whole: re.Pattern[str] | None = None
        self._joined = 0

    @property
    def holds(self) -> bool:
        """Whether a line waits for its rest."""
        return self._held is not None

    def take(self, line: Line) -> Iterator[Line]:
        """The lines that are whole by now."""
        held, whole = self._held, self._whole
        if held is not None and whole is not None:
            goes_on = line.stream in (held.stream, "")
            if line.text.strip() and goes_on and self._joined < _MOST_JOINED:
                text = f"{held.text.rstrip()} {line.text.strip()}"[:LONGEST]
                self._held = replace(held, text=text)
                self._joined += 1
                if whole.search(text):
                    yield from self.end()
                return
            yield from self.end()
        self._whole = _unfinished(line)
        if self._whole is None:
            yield line
        else:
            self._held, self._joined = line, 0

    def end(self) -> Iterator[Line]:
        """The line that still waits."""
        held, self._held = self._held, None
        if held is not None:
            yield held


def _unfinished(line: Line) -> re.Pattern[str] | None:
    text = line.text.lstrip()
    for begins, whole in _BROKEN:
        if begins.match(text) and not whole.search(text):
            return whole
    return None
