"""Functions for a debugger's expressions: `break f if $_mte_atag(p) == 3`.

The same names and values in every debugger. A value is a whole number, so that conditions can
compare it without a call into the program: -1 says that there is none, whatever the reason (the
commands tell it), and `SHARED` stands for the owner of shared memory.

How to add one: a `Function` in `FUNCTIONS`, whose `value` asks a question of `analysis/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, or_else

if TYPE_CHECKING:
    from mtedbg.session import Session

NONE = -1
SHARED = -2


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        name: without `$`.
        argument: the name of its only argument; empty where it takes none.
        summary: what it gives, one line.
        value: session and argument (0 where it takes none) → its value.
        details: further help.
    """

    name: str
    argument: str
    summary: str
    value: Callable[[Session, int], int]
    details: str = ""

    @property
    def usage(self) -> str:
        """`$_mte_atag(PTR)`."""
        return f"${self.name}({self.argument})"

    @property
    def help(self) -> str:
        """What `help function` shows."""
        parts = [self.summary, f"Usage: {self.usage}", self.details]
        return "\n\n".join(part for part in parts if part)


def _plain(value: int | str | Absent) -> int:
    if isinstance(value, Absent):
        return NONE
    return SHARED if isinstance(value, str) else value


def _logical_tag(_session: Session, pointer: int) -> int:
    from mtedbg.model.pointer import logical_tag

    return logical_tag(pointer)


def _allocation_tag(session: Session, pointer: int) -> int:
    from mtedbg.analysis.tags.span import tag_at

    return _plain(tag_at(session, session.strip(pointer)))


def _match(session: Session, pointer: int) -> int:
    memory = _allocation_tag(session, pointer)
    return NONE if memory == NONE else int(memory == _logical_tag(session, pointer))


def _owner(session: Session, pointer: int) -> int:
    from mtedbg.analysis.tags.owner import owner

    tag = _allocation_tag(session, pointer)
    return NONE if tag == NONE else _plain(owner(session, tag))


def _block(session: Session, pc: int) -> int:
    from mtedbg.decode.code.code_map import locate
    from mtedbg.model.code import Block

    for runtime in session.readable_runtimes():
        place = locate(runtime, session.strip(pc))
        if place.in_jit and isinstance(place.block, Block):
            return place.block.id
    from mtedbg.analysis.code.symbolize import foreign_place

    found = foreign_place(session, session.strip(pc))
    if found is None or isinstance(found.block, Absent):
        return NONE
    return or_else(found.block.number, found.block.start)


def _memop(session: Session, pc: int) -> int:
    from mtedbg.analysis.memops.memop import memop_at

    found = memop_at(session, session.strip(pc))
    return NONE if isinstance(found, Absent) else found.id


def _host_core_id(session: Session, _nothing: int) -> int:
    """Of the thread that the debugger has selected, or that has come to a breakpoint."""
    from mtedbg.analysis.stacks.guest_frame import own_tag

    if not session.readable_runtimes():
        return NONE
    return _plain(own_tag(session, session.current_thread()))


_NO_TAG = "-1 where the memory has no tag, or it cannot be read: `mte-check PTR` says why."

FUNCTIONS = (
    Function("_mte_ltag", "PTR", "The logical tag of a pointer: its bits 59:56.", _logical_tag),
    Function("_mte_atag", "PTR", "The allocation tag of memory.", _allocation_tag, _NO_TAG),
    Function(
        "_mte_match",
        "PTR",
        "1 where a pointer's tag is that of its memory, else 0.",
        _match,
        _NO_TAG,
    ),
    Function(
        "_mte_owner",
        "PTR",
        "The core that memory is local to.",
        _owner,
        f"{SHARED} where it is shared, -1 where it has no tag or there is no runtime.",
    ),
    Function(
        "_jit_block",
        "PC",
        "The id of the code block that holds a PC.",
        _block,
        "Of a JIT whose blocks have no ids its first address. -1 where none does: `jit-block PC` "
        "shows what is there.",
    ),
    Function(
        "_memop",
        "PC",
        "The id of the memop at a PC.",
        _memop,
        "-1 where none is: `jit-block PC` shows what is there.",
    ),
    Function(
        "_host_core_id",
        "",
        "The core that the selected thread runs on, as its guest frame has it.",
        _host_core_id,
        "-1 where the thread runs no guest.",
    ),
)
"""In the order in which the manual names them."""
