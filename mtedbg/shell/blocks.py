"""Commands of several lines, which end with `end` (GDB manual, "Command Files")."""

from __future__ import annotations

END = "end"

# Each with the shortest form that GDB takes for it. In those of the first kind a line is no
# command, and only `end` is looked for.
_VERBATIM = {"python": "py", "guile": "gu", "document": "doc"}
_NESTING = {
    "define": "def",
    "commands": "comm",
    "if": "if",
    "while": "wh",
    "while-stepping": "while-s",
    "stepping": "stepping",
    "ws": "ws",
    "actions": "act",
}
_ALONE = ("python", "guile")
"""With an argument these are one line."""


def _opens(line: str, known: dict[str, str]) -> bool:
    word, _, rest = line.partition(" ")
    for name, shortest in known.items():
        if name.startswith(word) and word.startswith(shortest):
            return name not in _ALONE or not rest.strip()
    return False


def unfinished(text: str) -> bool:
    """Whether `text` opens a block that it does not end."""
    open_blocks = 0
    verbatim = False
    for line in text.splitlines():
        words = line.strip()
        if words == END:
            open_blocks -= 1
            verbatim = False
            if open_blocks <= 0:
                return False
        elif not verbatim and (_opens(words, _VERBATIM) or _opens(words, _NESTING)):
            open_blocks += 1
            verbatim = _opens(words, _VERBATIM)
        elif open_blocks == 0:
            return False
    return open_blocks > 0
