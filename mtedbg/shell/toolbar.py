"""The line below the prompt: where the selected thread stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prompt_toolkit.formatted_text import StyleAndTextTuples

from mtedbg.render import clean

_GAP = ("", "  │  ")
WARNING = "class:toolbar.warning"


def toolbar(context: Mapping[str, Any]) -> StyleAndTextTuples:
    """What is shown of `context`, an object of `mtedbg.reports.stop_context`."""
    if "error" in context:
        return [("", f" {clean(str(context['error']).split(chr(10))[0])}")]
    parts = [("", _thread(context)), ("", place(context)), _cores(context), ("", _memop(context))]
    parts.append(("", _target(context)))
    shown: StyleAndTextTuples = [("", " ")]
    for part in parts:
        if part[1]:
            shown += [part, _GAP]
    return shown[:-1]


def _thread(context: Mapping[str, Any]) -> str:
    thread = context.get("thread") or {}
    name = clean(str(thread.get("name") or ""))
    return f"thread {thread.get('number', '?')}" + (f" {name}" if name else "")


def place(context: Mapping[str, Any]) -> str:
    """The PC as its code block and offset, else as a symbol, else as a number."""
    pc = context.get("pc")
    if pc is None:
        return "PC not known"
    row = context.get("block") or {}
    if block := row.get("block"):
        offset = int(pc, 16) - int(block["start"], 16)
        retired = "retired " if row.get("outcome") == "retired" else ""
        function = clean(str(row.get("function") or ""))
        return f"{retired}block {block['id']}+{offset:#x}" + (f" {function}" if function else "")
    return clean(str(context.get("symbol") or pc))


def _cores(context: Mapping[str, Any]) -> tuple[str, str]:
    """The three views of the core id: the frame's, the register's, the kernel's."""
    frame = context.get("frame")
    if not frame:
        return "", ""
    views = [frame.get(f"{view}_core_id") for view in ("host", "r_host", "rseq")]
    words = ["-" if view is None else str(view) for view in views]
    text = f"core: frame {words[0]}, register {words[1]}, kernel {words[2]}"
    return (WARNING, f"{text} (differ)") if frame.get("consistent") is False else ("", text)


def _memop(context: Mapping[str, Any]) -> str:
    memop = context.get("memop")
    if not memop:
        return ""
    mode, decoded = memop.get("mode"), memop.get("mode_decoded")
    words = f"memop {memop.get('id')} {clean(str(mode or '?')).lower()}"
    return words if mode == decoded else f"{words} (bytes: {clean(str(decoded)).lower()})"


def _target(context: Mapping[str, Any]) -> str:
    target = context.get("target") or {}
    kind, source = (clean(str(target.get(key, "?"))) for key in ("kind", "tag_source"))
    return kind if kind == source else f"{kind}, tags: {source}"
