"""The code of JITs without a debug root, where GDB is in the middle of unwinding.

Nothing here asks GDB for a frame, a register or an expression's value: each of these needs frames,
which are what is being made. Memory does not, and symbols are read from memory as well. Mappings
take packets, and GDB forgets all frames when it sends one for Python: it dies of that where it is
making a frame. They are asked for at the next stop, or before the prompt, and frames are made anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import gdb

from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.adapters.debugger.memory_symbols import MemorySymbols
from mtedbg.adapters.gdb.events import connect
from mtedbg.analysis.code.mappings import is_anonymous, mapping_of, may_interpret
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import USUAL_PAC_MASK
from mtedbg.session import Session
from mtedbg.target import GuestFileFinder

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.model.memory import Region


@dataclass
class _Learned:
    """What is known of one inferior.

    Attributes:
        files: first addresses and ends of what files were mapped executable: that is no code of a
            JIT, which costs nothing to know. Kept while the program runs.
        session: of this stop; None while nothing was asked.
        wanted: whether it was missed where it cannot be made.
        kept: what sessions keep, from stop to stop.
    """

    files: list[tuple[int, int]] = field(default_factory=list)
    session: Session | None = None
    wanted: bool = False
    kept: dict[object, object] = field(default_factory=dict)

    def is_of_file(self, pc: int) -> bool:
        """Whether a file was mapped at `pc` when mappings were last looked at."""
        index = bisect_right(self.files, pc, key=lambda span: span[0]) - 1
        return index >= 0 and pc < self.files[index][1]


_known: dict[object, _Learned] = {}


def _of_selected() -> _Learned:
    inferior = gdb.selected_inferior()
    connection = inferior.connection
    identity = inferior.num, inferior.pid, connection.num if connection else None
    return _known.setdefault(identity, _Learned())


def _session() -> Session:
    """Of the selected inferior as it is at this stop."""
    learned = _of_selected()
    if learned.session is None:
        inferior = gdb.selected_inferior()
        learned.session = Session(_target(inferior), kept=learned.kept)
        regions = learned.session.target.regions()
        learned.files = [
            (one.start, one.end)
            for one in (() if isinstance(regions, Absent) else regions)
            if not is_anonymous(one)
            and "x" in one.perms
            and not may_interpret(learned.session, one.start)
        ]
    return learned.session


def _target(inferior: gdb.Inferior) -> MemoryAlone:
    from mtedbg.adapters.gdb.sources import source_of

    connection = inferior.connection
    dead = connection is not None and connection.type == "core"
    source = source_of(inferior, inferior_reads=False)
    regions: Sequence[Region] | Absent = source.regions()

    def read(address: int, length: int) -> bytes | None:
        try:
            return bytes(inferior.read_memory(address, length))
        except (gdb.error, OverflowError):  # a wild pointer may be no address at all
            return None

    symbols = MemorySymbols(read, regions)
    # Of a live process a file is asked for by packets: not while frames are made.
    files = source.guest_files_at if isinstance(source, GuestFileFinder) else None
    return MemoryAlone(
        read,
        dead=dead,
        regions=regions,
        symbol=symbols.address,
        guest_files=files,
        pac_mask=USUAL_PAC_MASK,
    )


def is_there() -> bool:
    """Whether the program may have code of such JITs."""
    from mtedbg.analysis.code.mappings import has_generated

    return bool(gdb.selected_inferior().pid) and has_generated(_session())


def place_of(pc: int, registers: Mapping[str, int], *, after_call: bool) -> CodePlace | None:
    """What a frame runs; None where it is in no code of such a JIT.

    Args:
        pc: of the frame, without tag and PAC bits.
        registers: of the frame: x29 and sp.
        after_call: whether it is a return address.
    """
    learned = _of_selected()
    if learned.is_of_file(pc):
        return None
    if learned.session is None and _takes_packets(gdb.selected_inferior()):
        learned.wanted = True
        return None
    from mtedbg.analysis.code.in_frame import place_in_frame
    from mtedbg.analysis.stacks.foreign_frames import is_built_in

    here = pc - 1 if after_call and pc else pc
    session = _session()
    if may_interpret(session, here) and not is_built_in(session, here):
        return None
    return place_in_frame(session, here, registers)


def keeps_records(pc: int, *, after_call: bool) -> bool:
    """Whether a frame of which no JIT tells more is of code that a JIT may have made."""
    from mtedbg.analysis.stacks import foreign_frames

    learned = _of_selected()
    if learned.session is None or learned.is_of_file(pc):
        return False
    here = pc - 1 if after_call and pc else pc
    return foreign_frames.keeps_records(learned.session, here)


def begin_of(pc: int) -> int:
    """Where the mapping begins that holds `pc`: a frame is told apart by its stack as well."""
    region = mapping_of(_session(), pc)
    return pc if isinstance(region, Absent) else region.start


def _takes_packets(inferior: gdb.Inferior) -> bool:
    """Whether the mappings are a server's to tell."""
    connection = inferior.connection
    return connection is not None and connection.type in ("remote", "extended-remote")


def _catch_up() -> None:
    """Makes the session that was missed, and frames with it: nothing is being made now."""
    inferior = gdb.selected_inferior()
    learned = _of_selected()
    thread = gdb.selected_thread()
    if not learned.wanted or not inferior.pid or thread is None or thread.is_running():
        return
    learned.wanted = False
    try:
        _session()
    except (MtedbgError, gdb.error):
        return
    gdb.invalidate_cached_frames()


def caller_of(
    pc: int, registers: Mapping[str, int], *, after_call: bool
) -> Mapping[str, int] | Absent | None:
    """The registers of whoever called code at `pc`; None where there is nothing to go by."""
    from mtedbg.analysis.stacks.foreign_frames import caller_registers

    return caller_registers(_session(), pc, registers, after_call=after_call)


def _ran() -> None:
    for learned in _known.values():
        learned.session = None


def _forget() -> None:
    _known.clear()


connect(gdb.events.stop, _catch_up)
gdb.events.before_prompt.connect(_catch_up)
connect(gdb.events.cont, _ran)
connect(gdb.events.memory_changed, _ran)
for _events in (gdb.events.exited, gdb.events.new_objfile, gdb.events.clear_objfiles):
    connect(_events, _forget)
