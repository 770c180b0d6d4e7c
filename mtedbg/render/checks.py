"""A triage report → what continuous integration shows: JUnit's XML, GitHub's annotations.

A group is a failed test, a known one passes, and files that could not be read are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as Xml

from mtedbg.model.absent import Absent
from mtedbg.render import clean
from mtedbg.report import Report, Row

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may have (section 2.2), escaped or not."""
_MOST_CALLS = 8
_MOST_FILES = 10
_IN_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = _IN_DATA | {":": "%3A", ",": "%2C"}


def render_junit(report: Report) -> str:
    """The groups as test cases (the form that Jenkins, GitLab and GitHub's reporters read)."""
    rows = report.rows
    damaged = sum(row["damaged"] is True for row in rows)
    failed = sum(_is_new(row) for row in rows)
    counts = {"tests": len(rows), "failures": failed, "errors": damaged}
    suite = Xml.Element("testsuite", {"name": report.command, **_texts(counts)})
    for row in rows:
        name = {"name": _title(row), "classname": "crash"}
        case = Xml.SubElement(suite, "testcase", _texts(name))
        if row["damaged"] is True:
            _say(case, "error", str(row["cause"]), row)
        elif _is_new(row):
            _say(case, "failure", _title(row), row)
        else:
            Xml.SubElement(case, "system-out").text = _allowed(_details(row))
    suites = Xml.Element("testsuites", _texts(counts))
    suites.append(suite)
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def render_annotations(report: Report) -> str:
    """The groups as workflow commands, a line each (GitHub, "Workflow commands")."""
    return "".join(
        f"::{_level(row)} title={_escaped(_title(row), _IN_PROPERTIES)}::"
        f"{_escaped(_details(row), _IN_DATA)}\n"
        for row in report.rows
    )


def _is_new(row: Row) -> bool:
    return row["damaged"] is not True and row["known"] is not True


def _level(row: Row) -> str:
    if row["damaged"] is True:
        return "warning"
    return "error" if _is_new(row) else "notice"


def _title(row: Row) -> str:
    """What the crash is: signature, cause and place in one line."""
    calls = row["calls"]
    first = str(calls[0]) if isinstance(calls, list) and calls else ""
    words = [_text(row, "signature"), _text(row, "cause"), _text(row, "relation"), first]
    return clean("  ".join(filter(None, words)))


def _details(row: Row) -> str:
    return "\n".join(map(clean, _detail_lines(row)))


def _detail_lines(row: Row) -> Iterator[str]:
    count = row["count"]
    yield f"{count} {'crash' if count == 1 else 'crashes'}, {row['first']} to {row['last']}"
    for key in ("program", "message", "transition", "function", "memop"):
        if text := _text(row, key):
            yield f"{key}: {text}"
    calls = row["calls"]
    for call in calls[:_MOST_CALLS] if isinstance(calls, list) else ():
        yield f"  {call}"
    yield f"exemplar: {row['exemplar']}"
    files = row["members"]
    if isinstance(files, list) and len(files) > _MOST_FILES:
        yield f"and {len(files) - 1} more files: `--members` lists them"


def _text(row: Row, key: str) -> str:
    value = row[key]
    return "" if isinstance(value, Absent) else str(value)


def _say(case: Xml.Element, kind: str, message: str, row: Row) -> None:
    said = Xml.SubElement(case, kind, _texts({"message": message, "type": _text(row, "cause")}))
    said.text = _allowed(_details(row))


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _allowed(clean(str(value))) for name, value in values.items()}


def _allowed(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
