"""What a tombstone says, in this project's words: tombstone.proto of AOSP, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.protobuf import Message, parse
from mtedbg.formats.siginfo import signal_info
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.pointer import strip
from mtedbg.model.process import SignalInfo
from mtedbg.model.recorded import RecordedCall, RecordedFact

ARM64 = 1
_ARCHITECTURES = {0: "32-bit Arm", 2: "x86", 3: "x86-64", 4: "RISC-V"}
MOST_THREADS, MOST_MAPPINGS, MOST_FRAMES = 1 << 14, 1 << 17, 1 << 10
MOST_CALLS = 1 << 16
"""Frames of all threads together."""
MOST_DUMPS, MOST_REGISTERS, MOST_CAUSES = 256, 128, 16
_NAMES = {"lr": "x30", "pst": "pstate", "pstate": "pstate", "cpsr": "pstate"}
_KNOWN = frozenset((*(f"x{n}" for n in range(31)), "sp", "pc", "pstate"))


@dataclass(frozen=True, slots=True)
class Dump:
    """Bytes that were kept: of memory and of its tags (one a granule), by place in the file."""

    start: int
    memory: tuple[int, int]
    tags: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TombstoneThread:
    """A thread; `control` is its tagged-address control word, None where it is not there."""

    tid: int
    name: str
    registers: dict[str, int]
    calls: tuple[RecordedCall, ...]
    control: int | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping of the process."""

    start: int
    end: int
    offset: int
    perms: str
    name: str
    build_id: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is known of a process that died, from whatever form it was written in.

    Attributes:
        data: where `dumps` lie.
        pid: process id.
        process: name of its program.
        time: as written.
        signal: that it died of.
        threads: the one that died first.
        mappings: in order.
        dumps: memory and tags.
        facts: what the system says of it.
        remarks: what is wrong with the file.
        is_text: whether it is what some text says of a crash, and no tombstone.
    """

    data: Buffer
    pid: int | Absent
    process: str
    time: str
    signal: SignalInfo | Absent
    threads: tuple[TombstoneThread, ...]
    mappings: tuple[Mapping, ...] = ()
    dumps: tuple[Dump, ...] = ()
    facts: tuple[RecordedFact, ...] = ()
    remarks: tuple[str, ...] = ()
    is_text: bool = False


def from_protobuf(data: Buffer, name: str) -> Tombstone:
    """A tombstone in its protobuf form.

    Raises:
        FileFormatError: it is none, or of another machine.
    """
    from mtedbg.formats.tombstone_facts import facts

    message = tombstone(data, name)
    remarks: tuple[str, ...] = ()
    if message.damaged_at is not None:
        remarks = (
            f"the file is cut off or damaged at byte {message.damaged_at}: the rest is missing",
        )
    return Tombstone(
        data,
        message.number(5),
        next(iter(message.texts(9, 1)), ""),
        message.text(4),
        _signal(message),
        tuple(threads(message)),
        tuple(mappings(message)),
        tuple(dumps(message)),
        tuple(facts(message)),
        remarks,
    )


def _signal(message: Message) -> SignalInfo | Absent:
    made = message.message(10)
    if made is None:
        return Absent(Reason.NOT_RECORDED)
    code = made.signed(3)
    info = signal_info(made.signed(1), code, made.number(9))
    if made.number(8) or not present(info.address):
        return info
    return SignalInfo(info.number, code, Absent(Reason.NOT_RECORDED))


def tombstone(data: Buffer, name: str) -> Message:
    """The message in a file.

    Raises:
        FileFormatError: it is not a tombstone, or of another machine.
    """
    message = parse(data, 0, len(data))
    if not message.fields or not (message.has(10) or message.has(16) or message.has(5)):
        raise FileFormatError(f"{name} is not a tombstone", "give an ELF core or tombstone_NN.pb")
    machine = message.number(1)
    if machine != ARM64:
        what = _ARCHITECTURES.get(machine, f"architecture {machine}")
        raise FileFormatError(f"{name} is a tombstone of {what}, not of AArch64", "")
    return message


def threads(message: Message) -> list[TombstoneThread]:
    """Its threads, the one that died first, the others by id."""
    found: dict[int, TombstoneThread] = {}
    left = MOST_CALLS
    guilty = message.number(6)
    for tid, made in sorted(_entries(message), key=lambda pair: pair[0] != guilty):
        if tid not in found:
            found[tid] = _thread(tid, made, left)
            left -= len(found[tid].calls)
    return sorted(found.values(), key=lambda one: (one.tid != guilty, one.tid))


def _entries(message: Message) -> Iterator[tuple[int, Message]]:
    """Id and message of each thread: a map is a list of messages of key and value."""
    for entry in message.messages(16, MOST_THREADS):
        made = entry.message(2)
        if made is not None:
            yield entry.number(1) or made.number(1), made


def _thread(tid: int, made: Message, most_calls: int) -> TombstoneThread:
    registers: dict[str, int] = {}
    for one in made.messages(3, MOST_REGISTERS):
        name = one.text(1)
        name = _NAMES.get(name, name)
        if name in _KNOWN:
            registers[name] = one.number(2)
    calls = tuple(call_of(one) for one in made.messages(4, min(MOST_FRAMES, most_calls)))
    return TombstoneThread(
        tid, made.text(2), registers, calls, made.signed(6) if made.has(6) else None
    )


def dumps(message: Message) -> Iterator[Dump]:
    """What was kept of memory: around the registers of who died, and tags around the fault."""
    guilty = message.number(6)
    made = next((made for tid, made in _entries(message) if tid == guilty), None)
    if made is not None:
        yield from (_dump(one) for one in made.messages(5, MOST_DUMPS))
    signal = message.message(10)
    near = signal.message(10) if signal is not None else None
    if near is not None:
        yield _dump(near)


def call_of(one: Message) -> RecordedCall:
    """One BacktraceFrame."""
    function = one.text(4)
    return RecordedCall(
        strip(one.number(2)), function, one.number(5), one.text(6), one.number(1), one.text(8)
    )


def _dump(one: Message) -> Dump:
    """What one MemoryDump has; the older form of tags is field 5 itself, the newer in field 6."""
    memory = one.all(4)
    metadata = one.message(6)
    tags = metadata.all(1) if metadata is not None else one.all(5)
    return Dump(
        strip(one.number(3)),
        (memory[-1].start, memory[-1].end) if memory else (0, 0),
        (tags[-1].start, tags[-1].end) if tags else (0, 0),
    )


def mappings(message: Message) -> list[Mapping]:
    """The mappings of the process, in order, without those that cannot be."""
    found = []
    for one in message.messages(17, MOST_MAPPINGS):
        start, end = one.number(1), one.number(2)
        if 0 <= start < end < 1 << 56:
            perms = "".join(
                letter if one.number(field) else "-"
                for field, letter in ((4, "r"), (5, "w"), (6, "x"))
            )
            found.append(Mapping(start, end, one.number(3), perms, one.text(7), one.text(8)))
    found.sort(key=lambda one: one.start)
    kept: list[Mapping] = []
    for mapping in found:
        if not kept or mapping.start >= kept[-1].end:
            kept.append(mapping)
    return kept
