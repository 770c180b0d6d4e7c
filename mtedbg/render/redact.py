"""Any rendered text → the same without what a stranger must not see.

It works on what a format has written (text, JSON, HTML), so nothing that a format draws is passed
over. Addresses stay hexadecimal numbers of the same process: their tags and the distances between
neighbours are kept, where they are is not. Of a path the file's own name stays, but nothing of a
file that the process had open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_HEX = re.compile(r"(?<![\w+])0x([0-9a-fA-F]{5,16})\b(?! bytes)")
_PART = r"[^\s'\"<>|,;:()\[\]{}`&/]"
_COLUMN = r"(?=(  )?)"
"""Behind what stands in a column of a table: its width is kept."""
_PATH = re.compile(rf"(?<![\w…/<.])(/(?:{_PART}+/)+)({_PART}*){_COLUMN}")
_QUOTED_PATH = re.compile(r'(?<=")/[^"\n]*/([^"/\n]*)(?=")')
_PACKAGE = re.compile(r"\b(?:com|org|net|io|dev|app|edu|gov|info|me|[a-z]{2})(?:\.[a-z]\w*){2,}\b")
_READS = re.compile(r"""(reads )("|&quot;|\\"|&#34;)(.*?)\2""")
_OPEN_FILE = re.compile(
    r"(\bfd -?\d{1,10}: )((?:\\.|(?!\"(?:,\s*\"|\s*[}\]])|\bfd -?\d{1,10}: )[^\n<]){1,4096}?)"
    r"(?= \((?:unowned|owned by [^\n()<]{1,64})\))"
)
"""An open file of a tombstone: what a user opens may be named after anything."""
_LIBRARY = re.compile(r"\.(so|a|dll)(\.|$)")

_LEAST = 1 << 16
"""Smaller numbers are sizes, offsets and codes."""
_CHUNK = 20
"""Addresses that share the bits above, and those next to them, keep their distances."""
_APART = 32
"""Bits between the addresses of two places that are not neighbours."""
_TAG = 0xF << 56
_TOP = 0xFF << 56
_UPPER = 1 << 55
_SHORTEST_NAME = 3

_KINDS = {
    "address": "addresses",
    "path": "paths",
    "package": "names of packages",
    "name": "names of users or hosts",
    "text": "texts from memory",
}


class Redactor:
    """What has been taken out, so that the same thing is replaced by the same everywhere.

    Args:
        names: of users, hosts: replaced wherever they stand as a word.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        wanted = sorted({name for name in names if len(name) >= _SHORTEST_NAME}, key=len)
        words = "|".join(map(re.escape, reversed(wanted)))
        self._names = re.compile(rf"\b(?:{words})\b") if words else None
        self._paths: dict[str, str] = {}
        self._kept: set[str] = set()
        self._moved: dict[int, int] = {}
        self._packages: dict[str, str] = {}
        self._seen: dict[str, set[str]] = {kind: set() for kind in _KINDS}

    def know(self, paths: Iterable[str]) -> None:
        """Paths that may have blanks in them, which no pattern could find."""
        for path in paths:
            if path.startswith("/") and path.count("/") > 1:
                self._paths[path] = _shortened(path)

    def keep(self, packages: Iterable[str]) -> None:
        """Names of packages that are the program's own."""
        self._kept.update(packages)

    def text(self, text: str) -> str:
        """`text` without what is to be taken out."""
        for path in sorted(self._paths, key=len, reverse=True):
            if path in text:
                self._note("path", path)
                text = _padded(text, path, self._paths[path])
        text = _OPEN_FILE.sub(self._open, text)
        text = _QUOTED_PATH.sub(self._quoted, text)
        text = _PATH.sub(self._path, text)
        text = _READS.sub(self._read, text)
        text = _PACKAGE.sub(self._package, text)
        if self._names is not None:
            text = self._names.sub(self._name, text)
        return _HEX.sub(self._address, text)

    @property
    def summary(self) -> str:
        """What was taken out, in words."""
        said = ", ".join(
            f"{_KINDS[kind]}: {len(seen)}" for kind, seen in self._seen.items() if seen
        )
        return (
            f"redacted: {said or 'nothing was found'}; tags, distances and names of files are kept"
        )

    def _note(self, kind: str, what: str) -> None:
        self._seen[kind].add(what)

    def _quoted(self, match: re.Match[str]) -> str:
        self._note("path", match[0])
        return f"…/{match[1]}"

    def _open(self, match: re.Match[str]) -> str:
        self._note("path", match[2])
        return f"{match[1]}…"

    def _path(self, match: re.Match[str]) -> str:
        self._note("path", match[0])
        short = f"…/{match[2]}"
        return short.ljust(len(match[0])) if match[3] else short

    def _read(self, match: re.Match[str]) -> str:
        self._note("text", match[3])
        return f"{match[1]}{match[2]}…{match[2]}"

    def _package(self, match: re.Match[str]) -> str:
        name = match[0]
        if name in self._kept or _LIBRARY.search(name):
            return name
        self._note("package", name)
        return self._packages.setdefault(name, f"package-{len(self._packages) + 1}")

    def _name(self, match: re.Match[str]) -> str:
        self._note("name", match[0])
        return "…"

    def _address(self, match: re.Match[str]) -> str:
        digits = match[1]
        value = int(digits, 16)
        if value & ~_TOP < _LEAST:
            return match[0]
        self._note("address", digits)
        return f"0x{self._relative(value):0{len(digits)}x}"

    def _relative(self, value: int) -> int:
        kept = value & (_TOP | _UPPER if value & _UPPER else _TAG)
        address = value & ~_TOP & ~_UPPER
        chunk = address >> _CHUNK
        if chunk not in self._moved:
            near = (self._moved[one] for one in (chunk - 1, chunk + 1) if one in self._moved)
            places = len(set(self._moved.values())) + 1
            self._moved[chunk] = next(near, (places << _APART) - (chunk << _CHUNK))
        return kept | address + self._moved[chunk]


def _padded(text: str, path: str, short: str) -> str:
    """`text` with `short` for `path`; in a column of a table as wide as before."""
    return text.replace(f"{path}  ", f"{short.ljust(len(path))}  ").replace(path, short)


def _shortened(path: str) -> str:
    return f"…/{path.rsplit('/', 1)[-1]}"
