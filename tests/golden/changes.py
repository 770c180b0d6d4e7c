"""What changes in the expected answers, in words."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LINES_SHOWN = 20
DIFFS_SHOWN = 3
DIFF_LINES_SHOWN = 40
WIDTH = 160

Answers = Mapping[Path, str]
"""File, from the folder of all expected answers, to its text."""


@dataclass(frozen=True)
class Changes:
    """The difference between the answers that are kept and those that are given.

    Attributes:
        new: files that were not there.
        gone: files that nothing asks for any more.
        diffs: a unified diff, line by line, of each file that differs.
    """

    new: tuple[Path, ...]
    gone: tuple[Path, ...]
    diffs: Mapping[Path, tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.diffs)


def compare(kept: Answers, given: Answers) -> Changes:
    """What differs between `kept` and `given`."""
    diffs = {
        path: tuple(
            difflib.unified_diff(
                kept[path].splitlines(), given[path].splitlines(), f"{path}", f"{path}", lineterm=""
            )
        )
        or ("the last line's end",)
        for path in sorted(set(kept) & set(given))
        if kept[path] != given[path]
    }
    return Changes(
        tuple(sorted(set(given) - set(kept))), tuple(sorted(set(kept) - set(given))), diffs
    )


def in_words(changes: Changes, total: int) -> str:
    """A summary for whoever has to decide whether this is what was meant.

    Args:
        changes: what changes.
        total: number of answers.
    """
    if not changes:
        return f"all {total} answers are as they were\n"
    parts = [f"{len(changes.diffs)} of {total} answers change\n"]
    if changes.diffs:
        parts += [_names("questions", (path.name for path in changes.diffs))]
        parts += [_names("cores", (path.parent.name or "all" for path in changes.diffs))]
    for title, paths in (("new", changes.new), ("gone", changes.gone)):
        if paths:
            parts += [_names(title, map(str, paths))]
    if changes.diffs:
        parts += [_lines(changes), *_examples(changes)]
    return "".join(parts)


def _names(title: str, names: Iterable[str]) -> str:
    counted = Counter(names)
    words = [name if count == 1 else f"{name} ({count})" for name, count in sorted(counted.items())]
    return f"  {title}: {', '.join(words)}\n"


def _lines(changes: Changes) -> str:
    """The distinct lines that go and come, the most frequent ones first."""
    counted = Counter(
        f"{line[0]} {line[1:].strip()}"
        for diff in changes.diffs.values()
        for line in diff
        if line[0] in "+-" and not line.startswith(("+++ ", "--- "))
    )
    shown = [
        f"{count:6}x  {_cut(line)}"
        for line, count in sorted(
            counted.items(), key=lambda item: (-item[1], item[0][2:], item[0] < "-")
        )[:LINES_SHOWN]
    ]
    if len(counted) > LINES_SHOWN:
        shown.append(f"         … {len(counted) - LINES_SHOWN} more")
    return "\n".join([f"\n{len(counted)} distinct lines change:", *shown, ""])


def _examples(changes: Changes) -> list[str]:
    """The diffs of the first files."""
    paths = list(changes.diffs)[:DIFFS_SHOWN]
    parts = []
    for path in paths:
        diff = changes.diffs[path]
        parts.append("\n" + "".join(f"{_cut(line)}\n" for line in diff[:DIFF_LINES_SHOWN]))
        if len(diff) > DIFF_LINES_SHOWN:
            parts.append(f"… {len(diff) - DIFF_LINES_SHOWN} more lines\n")
    if len(changes.diffs) > len(paths):
        parts.append(f"\n… and {len(changes.diffs) - len(paths)} more files: git diff has them\n")
    return parts


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
