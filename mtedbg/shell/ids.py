"""Numbers of memops and code blocks, where a command takes one: what GDB cannot complete."""

from __future__ import annotations

import json

MOST = 1000
"""How many of them are offered."""

_AFTER_OPTION = {"--memop": "memops", "--block": "jit-blocks"}
_FIRST_WORD = {"memop": "memops", "jit-disas": "jit-blocks"}
_ASKS = {"memops": f"memops -n {MOST} --json", "jit-blocks": "jit-blocks --json"}


def question(line: str) -> str:
    """The command that lists what the last word of `line` may be; empty where it is no number."""
    *words, last = line.split(" ")
    words = [word for word in words if word]
    if not words or (last and not last.isdecimal()):
        return ""
    listing = _AFTER_OPTION.get(words[-1], "")
    if not listing and len(words) == 1:
        listing = _FIRST_WORD.get(words[0], "")
    return _ASKS.get(listing, "")


def lines(line: str, answer: str) -> list[str]:
    """What `line` may become, by the answer to `question`; nothing where that is no report."""
    start = line.rfind(" ") + 1
    try:
        rows = json.loads(answer)["rows"]
        ids = [str(int(row["id"])) for row in rows[:MOST] if row["id"] is not None]
    except (ValueError, TypeError, KeyError):
        return []
    return [f"{line[:start]}{number}" for number in ids if number.startswith(line[start:])]
