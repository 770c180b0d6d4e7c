"""What a JIT that adopts the debug root has forgotten, has wrong, does slowly, or may tell besides.

Every line is a promise of `native/include/mtedbg/debug_root.h` that is not kept, or something
that makes a command answer more.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from mtedbg.analysis.code.adoption_optional import untold
from mtedbg.decode.code.audit import audit
from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS, NEEDS, ranges_of
from mtedbg.decode.code.details import details_of
from mtedbg.errors import LayoutError
from mtedbg.layout.slots import SlotArray
from mtedbg.model.absent import Absent, or_else, present
from mtedbg.model.code import NO_FUNCTION, Block, FrameKind, Range, RangeKind
from mtedbg.model.finding import Severity
from mtedbg.model.runtime import Form, RuntimeState

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

_MOST_WRONG = 64
_SAMPLED = 256
"""Blocks whose ranges are looked at."""
_FEW = 64
"""Records of a table that are published whole without being noticed."""
_LARGE, _MANY = 1 << 16, 1 << 10
"""Bytes of call frames, and inlined functions of one block, that are noticed."""
_CHUNKS_READ = 4
"""Chunks that hold one address where blocks are placed upwards, with some to spare."""
_STEP = "see docs/debug-abi.md, `Adopting it`"


class Verdict(StrEnum):
    """How bad it is."""

    WRONG = "wrong"
    MISSING = "missing"
    SLOW = "slow"
    OPTIONAL = "optional"
    """Nothing to mend: what may be told besides, where there is something to tell."""


class Advice(NamedTuple):
    """One thing to mend, or that may be told besides.

    Attributes:
        verdict: how bad it is.
        root: the name of the runtime; empty where there is none.
        what: what is so, one line.
        then: what does not work because of it, or what to do.
    """

    verdict: Verdict
    root: str
    what: str
    then: str


def adoption(session: Session) -> Iterator[Advice]:
    """What to mend, of every debug root of a process; then what may be told besides."""
    found = session.runtimes
    if isinstance(found, Absent):
        verdict = Verdict.WRONG if found.detail else Verdict.MISSING
        yield Advice(verdict, "", str(found), _STEP)
        return
    for runtime in found:
        yield from _root(runtime)
        try:
            runtime.layout.require(NEEDS)
        except LayoutError as error:
            yield Advice(Verdict.MISSING, runtime.name, error.message, "nothing finds its code")
            continue
        yield from _code_map(session, runtime)
        yield from _audited(runtime)


def _root(runtime: Runtime) -> Iterator[Advice]:
    for problem in runtime.problems:
        yield Advice(Verdict.WRONG, runtime.name, problem, "what needs it says so")
    if runtime.state == RuntimeState.NOT_READY:
        what = "its state is not ready"
        yield Advice(Verdict.WRONG, runtime.name, what, "call mtedbg_publish_root when it is")
    if not runtime.name:
        yield Advice(Verdict.MISSING, "", "it has no name", "reports cannot say whose code it is")


def _audited(runtime: Runtime) -> Iterator[Advice]:
    wrong = (one for one in audit(runtime) if one.severity is Severity.ERROR)
    for one in islice(wrong, _MOST_WRONG):
        what = f"{one.where}: {one.detail}"
        yield Advice(Verdict.WRONG, runtime.name, what, "answers from it may be wrong")


def _code_map(session: Session, runtime: Runtime) -> Iterator[Advice]:
    table = runtime.table(CODE_MAP, Block)
    if isinstance(table, Absent):
        yield Advice(Verdict.WRONG, runtime.name, f"{CODE_MAP}: {table}", "nothing finds its code")
        return
    yield from _speed(runtime, table.records.count)
    rows = or_else(runtime.rows(CODE_MAP, Block), iter(()))
    blocks = list(islice(rows, _SAMPLED))
    if not blocks:
        yield Advice(Verdict.MISSING, runtime.name, "the code map has no block", "publish one")
    yield from _placed(session, runtime, blocks)
    yield from _named(runtime, blocks)
    yield from _detailed(runtime, blocks)
    if isinstance(table.records, SlotArray):
        yield from _spans(runtime, table.records, blocks)
    for one in untold(runtime, blocks):
        yield Advice(Verdict.OPTIONAL, runtime.name, one.what, one.then)


def _speed(runtime: Runtime, count: int) -> Iterator[Advice]:
    for name, root in runtime.named.items():
        if name in (CODE_MAP, FUNCTIONS) and root.form == Form.TABLE and count > _FEW:
            what = f"{name} is a table, and there are {count} blocks"
            then = "each publication copies all of it: keep it in slots (mtedbg_slots_append)"
            yield Advice(Verdict.SLOW, runtime.name, what, then)


def _placed(session: Session, runtime: Runtime, blocks: list[Block]) -> Iterator[Advice]:
    """Code that is in no executable memory."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return
    for block in blocks:
        holder = next((one for one in regions if one.start <= block.base < one.end), None)
        if holder is None or not any(perm in holder.perms for perm in "x?"):
            where = "no memory" if holder is None else f"memory that is {holder.perms}"
            what = f"block {block.id} at {block.base:#x} is in {where}"
            yield Advice(Verdict.WRONG, runtime.name, what, "base is where the code is executed")


def _named(runtime: Runtime, blocks: list[Block]) -> Iterator[Advice]:
    """What ranges do not say."""
    functions = nameless = frameless = 0
    one_frame = "jit.frame" in runtime.layout.schema.contracts
    for block in blocks:
        ranges = ranges_of(runtime, block)
        rows = () if isinstance(ranges, Absent) else or_else(ranges.all(), ())
        for one in islice(rows, _SAMPLED):
            functions += one.kind == RangeKind.FUNCTION
            nameless += one.kind == RangeKind.FUNCTION and not _has_name(runtime, one)
            frameless += one.kind == RangeKind.FUNCTION and not _has_frame(one)
    if blocks and not functions:
        what = "no range is a Function"
        yield Advice(Verdict.MISSING, runtime.name, what, "frames and blocks have no names")
    if nameless:
        what = f"{nameless} of {functions} functions have no name"
        yield Advice(Verdict.MISSING, runtime.name, what, "set symbol, or function")
    if frameless and not one_frame:
        what = f"{frameless} of {functions} functions do not say what frame they have"
        yield Advice(
            Verdict.MISSING, runtime.name, what, "set frame: backtraces may lose a caller there"
        )


def _detailed(runtime: Runtime, blocks: list[Block]) -> Iterator[Advice]:
    """What the details of blocks cost readers."""
    for block in blocks:
        details = details_of(runtime, block)
        if isinstance(details, Absent):
            continue
        if details.call_frames_size > _LARGE:
            what = f"block {block.id} has {details.call_frames_size} bytes of call frames"
            then = "each frame in it reads them all: give each block its own"
            yield Advice(Verdict.SLOW, runtime.name, what, then)
        if details.inline_count > _MANY:
            what = f"block {block.id} has {details.inline_count} inlined functions"
            then = "each look-up in it reads them all: make smaller blocks"
            yield Advice(Verdict.SLOW, runtime.name, what, then)


def _has_name(runtime: Runtime, one: Range) -> bool:
    if or_else(one.symbol_length, 0):
        return True
    return FUNCTIONS in runtime.named and one.function != NO_FUNCTION


def _has_frame(one: Range) -> bool:
    return one.frame in (FrameKind.LEAF, FrameKind.RECORD, FrameKind.CALL_FRAMES)


def _spans(runtime: Runtime, slots: SlotArray[Block], blocks: list[Block]) -> Iterator[Advice]:
    """Look-ups read every chunk whose span holds the address."""
    chunks = [chunk for chunk in slots.chunks if present(chunk) and chunk is not None]
    read = [sum(one.low <= block.base < one.high for one in chunks) for block in blocks]
    if read and max(read) > _CHUNKS_READ:
        what = f"an address may be in {max(read)} of {len(chunks)} chunks of the code map"
        then = "look-ups read them all: append blocks in the order of their addresses"
        yield Advice(Verdict.SLOW, runtime.name, what, then)
