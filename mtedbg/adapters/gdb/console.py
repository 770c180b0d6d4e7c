"""What GDB's own commands print."""

from __future__ import annotations

import codecs
import re

import gdb

_STREAM_RECORD = re.compile(r'^~"((?:[^"\\]|\\.)*)"$', re.MULTILINE)


def captured(command: str) -> str:
    """What a command of GDB prints.

    Under its machine interface GDB 18 gives MI's stream records, quoted, in place of the text.

    Raises:
        gdb.error: the command fails.
    """
    text: str = gdb.execute(command, to_string=True)
    if not text.startswith('~"'):
        return text
    return "".join(_unquoted(quoted) for quoted in _STREAM_RECORD.findall(text))


def _unquoted(text: str) -> str:
    """A C string's contents; bytes beyond ASCII come as octal escapes."""
    return codecs.decode(text, "unicode_escape").encode("latin-1").decode(errors="replace")
