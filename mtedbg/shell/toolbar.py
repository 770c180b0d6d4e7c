"""The line below the prompt: where the selected thread stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prompt_toolkit.formatted_text import StyleAndTextTuples

from mtedbg.render import clean

_GAP = ("", "  │  ")
WARNING = "class:toolbar.warning"


def toolbar(moment: Mapping[str, Any]) -> StyleAndTextTuples:
    """What is shown of `moment`, an object of `mtedbg.reports.stop_context`."""
    if "error" in moment:
        return [("", f" {clean(str(moment['error']).split(chr(10))[0])}")]
    parts = [("", _thread(moment)), ("", place(moment)), _cores(moment), ("", _memop(moment))]
    parts.append(("", _target(moment)))
    shown: StyleAndTextTuples = [("", " ")]
    for part in parts:
        if part[1]:
            shown += [part, _GAP]
    return shown[:-1]


def _thread(moment: Mapping[str, Any]) -> str:
    thread = moment.get("thread") or {}
    name = clean(str(thread.get("name") or ""))
    return f"thread {thread.get('number', '?')}" + (f" {name}" if name else "")


def place(moment: Mapping[str, Any]) -> str:
    """The PC as its code block and offset, else as a symbol, else as a number."""
    pc = moment.get("pc")
    if pc is None:
        return "PC not known"
    row = moment.get("block") or {}
    if block := row.get("block"):
        offset = int(pc, 16) - int(block["start"], 16)
        retired = "retired " if row.get("outcome") == "retired" else ""
        function = clean(str(row.get("function") or ""))
        return f"{retired}block {block['id']}+{offset:#x}" + (f" {function}" if function else "")
    return clean(str(moment.get("symbol") or pc))


def _cores(moment: Mapping[str, Any]) -> tuple[str, str]:
    """The three views of the core id: the frame's, the register's, the kernel's."""
    frame = moment.get("frame")
    if not frame:
        return "", ""
    views = [frame.get(f"{view}_core_id") for view in ("host", "r_host", "rseq")]
    words = ["-" if view is None else str(view) for view in views]
    text = f"core: frame {words[0]}, register {words[1]}, kernel {words[2]}"
    return (WARNING, f"{text} (differ)") if frame.get("consistent") is False else ("", text)


def _memop(moment: Mapping[str, Any]) -> str:
    memop = moment.get("memop")
    if not memop:
        return ""
    mode, decoded = memop.get("mode"), memop.get("mode_decoded")
    words = f"memop {memop.get('id')} {clean(str(mode or '?')).lower()}"
    return words if mode == decoded else f"{words} (bytes: {clean(str(decoded)).lower()})"


def _target(moment: Mapping[str, Any]) -> str:
    target = moment.get("target") or {}
    kind, source = (clean(str(target.get(key, "?"))) for key in ("kind", "tag_source"))
    return kind if kind == source else f"{kind}, tags: {source}"
