"""Apple's crash reports as `.ips` files: a line of JSON about the report, then the report as JSON.

Source: Apple, "Interpreting the JSON format of a crash report".
"""

from __future__ import annotations

import json
from typing import Any

from mtedbg.formats.esr import syndrome
from mtedbg.formats.texts import apple
from mtedbg.formats.texts.draft import Draft, hexadecimal
from mtedbg.model.crash_text import NOT_IN_TEXT, TagRow, TextFrame

MOST_BYTES = 1 << 24
_MOST_THREADS = 1 << 14
_MOST_FRAMES = 256


def begins(raw: str) -> bool:
    """Whether a line is the first of an `.ips` file."""
    text = raw.lstrip("\ufeff \t")
    return text.startswith("{") and '"bug_type"' in text and len(text) < 1 << 16


def parse(number: int, body: str) -> Draft | None:
    """The crash that a report's body tells of; None where it is no crash's, or no JSON."""
    try:
        found, _ = json.JSONDecoder().raw_decode(body.lstrip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return None
    exception = _mapping(found).get("exception")
    if not isinstance(exception, dict):
        return None
    report = _mapping(found)
    draft = Draft(apple.NAME, 57, number)
    draft.fact("exception", _text(exception.get("type")))
    if _text(exception.get("signal")).startswith("SIG"):
        draft.raised(None, _text(exception.get("signal")))
    _of_exception(draft, exception)
    termination = _mapping(report.get("termination"))
    if termination:
        words = (
            f"Namespace {_text(termination.get('namespace'))}, Code {termination.get('code', '')}"
        )
        apple.terminated(draft, words)
    _of_process(draft, report)
    _of_threads(draft, report)
    _of_tags(draft, report)
    return draft


def _of_exception(draft: Draft, exception: dict[str, Any]) -> None:
    for name in ("subtype", "message"):
        value = _text(exception.get(name))
        apple.guarded(draft, value)
        if found := apple._SUBTYPE.search(value):
            apple.subtype(draft, found[1], found[2])
    raw = exception.get("rawCodes")
    numbers = [one for one in raw if isinstance(one, int)] if isinstance(raw, list) else []
    listed = [f"{one & (1 << 64) - 1:#x}" for one in numbers[:4]]
    apple.codes(
        draft, listed or [part.strip() for part in _text(exception.get("codes")).split(",")]
    )


def _of_process(draft: Draft, report: dict[str, Any]) -> None:
    draft.process = _text(report.get("procName"))
    pid = report.get("pid")
    draft.pid = pid if isinstance(pid, int) and 0 <= pid < 1 << 31 else NOT_IN_TEXT
    system = _mapping(report.get("osVersion"))
    draft.time = _text(report.get("captureTime"))
    for about, value in (
        ("time", draft.time),
        ("build", " ".join(filter(None, (_text(system.get("train")), _text(system.get("build")))))),
        ("device", _text(report.get("modelCode"))),
        ("executable", _text(report.get("procPath"))),
        ("abi", _text(report.get("cpuType"))),
        ("memory", _text(report.get("vmRegionInfo") or report.get("vmregioninfo")).split("\n")[0]),
        ("incident", _text(report.get("incident"))),
    ):
        draft.fact(about, value)
    region = _text(report.get("vmRegionInfo") or report.get("vmregioninfo"))
    for line in region.splitlines()[:64]:
        if found := apple._REGION.match(line):
            draft.fact("region", f"{found[1].strip()} {found[2]}")
    draft.check_mode = _text(report.get("mteState"))
    said = report.get("asi")
    if isinstance(said, dict):
        for lines in said.values():
            if isinstance(lines, list) and lines:
                draft.said(_text(lines[0]))


def _of_threads(draft: Draft, report: dict[str, Any]) -> None:
    threads = report.get("threads")
    if not isinstance(threads, list):
        return
    faulting = report.get("faultingThread")
    chosen = next(
        (one for one in threads[:_MOST_THREADS] if isinstance(one, dict) and one.get("triggered")),
        None,
    )
    if chosen is None and isinstance(faulting, int) and 0 <= faulting < len(threads):
        chosen = threads[faulting]
    thread = _mapping(chosen)
    draft.thread = _text(thread.get("name")) or _text(thread.get("queue"))
    number = thread.get("id")
    draft.tid = number if isinstance(number, int) and number >= 0 else NOT_IN_TEXT
    images = report.get("usedImages")
    _frames(draft, thread, images if isinstance(images, list) else [])
    _state(draft, _mapping(thread.get("threadState")))


def _frames(draft: Draft, thread: dict[str, Any], images: list[Any]) -> None:
    frames = thread.get("frames")
    for frame in frames[:_MOST_FRAMES] if isinstance(frames, list) else ():
        one = _mapping(frame)
        index, offset = one.get("imageIndex"), one.get("imageOffset")
        image = (
            _mapping(images[index]) if isinstance(index, int) and 0 <= index < len(images) else {}
        )
        base, place = image.get("base"), one.get("symbolLocation")
        known = isinstance(base, int) and isinstance(offset, int)
        source = _text(one.get("sourceFile"))
        if source and isinstance(one.get("sourceLine"), int):
            source = f"{source}:{one['sourceLine']}"
        draft.frame(
            TextFrame(
                _text(one.get("symbol")), place if isinstance(place, int) else NOT_IN_TEXT,
                _text(image.get("name")), offset if isinstance(offset, int) else NOT_IN_TEXT,
                base + offset if known else NOT_IN_TEXT,  # type: ignore[operator]
                _text(image.get("uuid")).replace("-", ""), source,
            )
        )  # fmt: skip


def _state(draft: Draft, state: dict[str, Any]) -> None:
    general = state.get("x")
    for number, one in enumerate(general[:31] if isinstance(general, list) else ()):
        if (value := _word(one)) is not None:
            draft.register(f"x{number}", value)
    for name, register in (
        ("fp", "x29"),
        ("lr", "x30"),
        ("sp", "sp"),
        ("pc", "pc"),
        ("cpsr", "pstate"),
    ):
        if (value := _word(state.get(name))) is not None:
            draft.register(register, value)
    if (value := _word(state.get("esr"))) is not None:
        draft.register("esr", value)
        draft.syndrome = syndrome(value)
        described = _text(_mapping(state.get("esr")).get("description"))
        apple._register(draft, "esr", value, described)
        if "byte" in described and draft.syndrome.tag_check:
            draft.access = "store" if "write" in described else "load"
            draft.size = 1
    if (value := _word(state.get("far"))) is not None:
        draft.register("far", value)
        draft.at_address(f"{value:x}")


def _of_tags(draft: Draft, report: dict[str, Any]) -> None:
    """`mtePageTags`, whose form is not documented: addresses with their tags, where it is that."""
    pages = report.get("mtePageTags")
    for page in pages[:64] if isinstance(pages, list) else ():
        one = _mapping(page)
        start, tags = one.get("address"), one.get("tags")
        if isinstance(start, str):
            start = hexadecimal(start)
        if isinstance(start, int) and isinstance(tags, list) and tags:
            values = [tag for tag in tags[:256] if isinstance(tag, int) and 0 <= tag < 16]
            if len(values) == len(tags[:256]):
                draft.row(TagRow(start, bytes(values)))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text[:4096])


def _word(value: object) -> int | None:
    if isinstance(value, dict):
        value = value.get("value")
    return value & (1 << 64) - 1 if isinstance(value, int) and not isinstance(value, bool) else None
