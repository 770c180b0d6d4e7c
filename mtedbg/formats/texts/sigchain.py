"""ART's libsigchain, where no handler took a signal: a line before the crash's own.

Source: AOSP, art/sigchainlib/sigchain.cc ("reverting to SIG_DFL handler").
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer, nothing_more
from mtedbg.formats.texts.lines import Line

NAME = "libsigchain"
_REVERTING = re.compile(
    r"reverting to SIG_DFL handler for signal (\d{1,3})(?:, ucontext (\S{1,20}?))?"
    r"(?:, (?:si_)?code (-?\d{1,9}))?(?:, (?:si_addr|fault addr) (0x[0-9a-fA-F]{1,16}))?\s*$"
)


def _start(line: Line) -> Draft | None:
    found = _REVERTING.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=5)
    draft.raised(found[1])
    draft.coded(found[3])
    draft.at_address(found[4] or "")
    draft.note("no handler took the signal: the chain ended in the default action")
    if line.pid is not None:
        draft.pid = line.pid
        draft.tid = line.tid if line.tid is not None else draft.tid
    return draft


WRITER = Writer(NAME, ("reverting to SIG_DFL",), _start, nothing_more, keep=20)
