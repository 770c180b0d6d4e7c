"""Reports of Ubuntu's apport (`/var/crash/*.crash`): the core that is in one.

Source: problem_report.py of apport: fields as in RFC 822, lines after the first begin with a space;
a binary field says `base64`, and each of its lines is base64 by itself, of one stream of gzip or
zstd. A line has a megabyte of core, so what is read at a time does not end where lines do.
"""

from __future__ import annotations

import binascii
from typing import IO

MAGIC = b"ProblemType:"
MOST_BEFORE = 1 << 26
"""Bytes of the fields before the core: maps, package lists, other cores' logs."""
_FIELD = b"CoreDump:"
_CHUNK = 1 << 17
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_MOST_PADDING = 2


def is_report(start: bytes) -> bool:
    """Whether a file that begins so is a report of apport's: of a crash, or of anything else."""
    return start.startswith(MAGIC)


class CoreDump:
    """The field with the core, decoded; still compressed. Empty where the report has none.

    Args:
        report: the file, which can be read at any place.
    """

    def __init__(self, report: IO[bytes]) -> None:
        self._report = report
        self._left = b""
        """Characters of a line that are not four yet."""
        self._plain = b""
        self._problem = ""
        self._starts_line = True
        self._ended = not self._find()

    def _find(self) -> bool:
        """Whether the field is there: what is read next is its first line.

        By chunks and not by lines: there can be as many lines as bytes.
        """
        position, before = 0, b"\n"
        while position < MOST_BEFORE and (chunk := self._report.read(_CHUNK)):
            here = before + chunk  # the field may begin where the last chunk ended
            if (at := here.find(b"\n" + _FIELD)) >= 0:
                self._report.seek(position - len(before) + at + 1)
                line = self._report.readline(_CHUNK)
                return line[len(_FIELD) :].strip() == b"base64"
            position += len(chunk)
            before = here[-len(_FIELD) :]
        return False

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, which stay; fewer where there are no more."""
        while len(self._plain) < size and not self._ended:
            self._take(self._report.readline(_CHUNK))
        return self._plain[:size]

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, none at the end.

        Raises:
            binascii.Error: the field is damaged; all that is before the damage was read.
        """
        while not self._plain and not self._ended:
            self._take(self._report.readline(_CHUNK))
        if self._problem and not self._plain:
            raise binascii.Error(self._problem)
        end = len(self._plain) if size < 0 else size
        taken, self._plain = self._plain[:end], self._plain[end:]
        return taken

    def _take(self, piece: bytes) -> None:
        """Decodes a line, or the part of a long one that was read."""
        if not piece or (self._starts_line and not piece.startswith(b" ")):
            self._end("it ends in the midst of a line" if self._left else "")
            return
        begins, self._starts_line = self._starts_line, piece.endswith(b"\n")
        text = self._left + piece.strip()
        end = len(text) if self._starts_line else len(text) // 4 * 4
        text, self._left = text[:end], text[end:]
        bare = text.rstrip(b"=")
        strange = bare.translate(None, _ALPHABET)[:1]
        if not text and begins:
            self._end("a line of base64 is empty")
        elif strange:
            self._end("a line is not base64")
            text = bare[: bare.index(strange) // 4 * 4]
        elif len(text) % 4 or len(text) - len(bare) > _MOST_PADDING:
            self._end("a line of base64 has a wrong length")
            text = bare[: len(bare) // 4 * 4]
        self._plain += binascii.a2b_base64(text)

    def _end(self, problem: str) -> None:
        self._ended, self._problem = True, problem
