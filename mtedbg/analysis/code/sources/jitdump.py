"""Code in a jitdump file: of a live process the one that it has mapped, of a core one given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.errors import FileFormatError
from mtedbg.formats.jitdump import MAX_BYTES, JitDump
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.session import once
from mtedbg.target import FileReader

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session

_NAME = re.compile(r"jit-[0-9]+\.dump$")


def path_of(session: Session) -> str:
    """The file that the process has mapped, by which perf finds it; empty where there is none."""
    return next((name for name in session.file_starts if _NAME.search(name)), "")


@once
def jitdump(session: Session) -> JitDump | Absent:
    """The file, or why it is not read; does not apply where the process has none."""
    given = session.given_files.jitdump
    path = given.path if given else path_of(session)
    if not path:
        return NOT_APPLICABLE
    if given:
        data: bytes | Absent = given.data
    elif isinstance(session.target, FileReader) and not session.info.is_dead:
        data = session.target.read_file(path, MAX_BYTES)
    else:
        return Absent(Reason.UNKNOWN, f"the process wrote {path}: give it with --jitdump")
    if isinstance(data, Absent):
        return data
    try:
        return JitDump(data, path)
    except FileFormatError as error:
        return Absent(Reason.NOT_BELIEVED, error.message)


def code_at(session: Session, pc: int) -> CodePlace | None:
    """The piece of code that has `pc`; None where there is no file."""
    found = jitdump(session)
    return None if isinstance(found, Absent) else place_of(pc, found.at(pc), "code", "code")


def doubts(session: Session) -> tuple[str, ...]:
    """What is to be said of a file that is there and was not read."""
    found = jitdump(session)
    if isinstance(found, Absent) and found.is_hole:
        return (f"jitdump not read: {found.detail or found}",)
    return ()
