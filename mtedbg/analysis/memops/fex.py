"""A profile as the extended volatile metadata that FEX-Emu reads: which instructions need TSO.

The text is the value of FEX's option `ExtendedVolatileMetadata`, in the environment
`FEX_EXTENDEDVOLATILEMETADATA`: for each module

    NAME;BEGIN-END,BEGIN-END;OFFSET,OFFSET

with modules between colons and numbers in hexadecimal. In the ranges, accesses are not ordered,
except for those of the instructions that the offsets name.

Source: FEX-Emu/FEX, Source/Common/VolatileMetadata.cpp (`ParseExtendedVolatileMetadata`, and
unittests of it), VolatileMetadata.h (`ApplyFEXExtendedVolatileMetadata`) and
Source/Tools/LinuxEmulation/LinuxSyscalls/SyscallsSMCTracking.cpp (`TrackMmap`), as of commit
1758648f. What they do with it, and this file has to know:

- NAME is that of the file, without its folder, where links lead to. Files are told apart by nothing
  else: where a profile has two of one name, neither is given. Code of no file cannot be.
- A file is looked at only if its owner may execute it: libraries often have no such permission.
- Ranges are of offsets in the file. Offsets of instructions are from the beginning of the mapping,
  which is that of the segment, rounded down to a page.
- A module without ranges has no order at all. So that a program is left out which needs none: that
  nothing was seen to need it is no proof.
- A program's loader maps a library whole, from its first byte on, and then each segment anew; each
  mapping is told what there is to tell. What the first one is told is right as well only if offsets
  in the file are addresses less the lowest one. A library whose are not is not given.
- A block of FEX's is concerned when all of it lies in a range and an offset is in it (FEXCore,
  Interface/Core/Core.cpp). Its blocks end where control goes elsewhere, so that ranges here are
  what runs from one such place to the next. Only those with an instruction that needs order are
  given: it ran, and with it the rest. Code that never ran in the profile loses nothing. What did
  not run all the same (a repeated string instruction may have no elements), and what cannot be
  told of, is named as if it needed order.
- So are all stores of such a block. The store that hands memory over to another thread comes before
  that thread touches it, in every run: it is an owner's, and no run shows that others wait for it.
  The runtime has the owner's stores done before it lets another one in (docs/soundness.md); FEX
  has no such moment. What loads lose is what they read of memory that no other thread had touched.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mtedbg.decode.code.guest_instruction import can_decode, decode_all
from mtedbg.errors import FileFormatError, ToolMissingError, UsageError
from mtedbg.model.guest import CodeSegment, GuestImage
from mtedbg.model.profile import Need, Profile, ProfileAccess, ProgramProfile

_Span = tuple[int, int]

_PAGE = 4096
_SEPARATORS = ":;,"
_LEAVES = frozenset(
    ("call", "lcall", "ret", "retf", "retfq", "iret", "iretd", "iretq", "loop", "loope", "loopne")
    + ("syscall", "sysenter", "sysret", "sysexit", "int", "int1", "int3", "into", "hlt", "ud2")
    + ("ljmp", "xbegin", "xabort", "ud0", "ud1")
)


def fex_text(profile: Profile, images: Sequence[GuestImage]) -> tuple[str, tuple[str, ...]]:
    """The metadata, and a line for each program: what is in it of that.

    Args:
        profile: of the programs.
        images: the programs' files.

    Raises:
        UsageError: a program's file is not among them.
        FileFormatError: a profile names instructions that its program does not have, or a program's
            name cannot be written in this format.
        ToolMissingError: capstone is not installed.
    """
    if not can_decode():
        raise ToolMissingError("capstone is not installed", "run: pip install capstone")
    modules, notes = [], []
    names = Counter(program.name for program in profile.programs)
    for program in profile.programs:
        ordered = sorted({key.rip for key, facts in program.memops.items() if facts.needs_order})
        if not ordered:
            notes.append(
                f"{program.name}: no instruction was seen to need ordering; FEX keeps all of them "
                "ordered"
            )
            continue
        if program.is_anonymous:
            notes.append("code of no file cannot be named: FEX keeps all of it ordered")
            continue
        if names[program.name] > 1:
            notes.append(
                f"{program.name}: {names[program.name]} builds, which FEX cannot tell apart; it "
                "keeps all of them ordered"
            )
            continue
        image = next((one for one in images if one.identity.same(program.identity)), None)
        if image is None:
            raise UsageError(
                f"the file of {program.name} ({program.identity}) is needed",
                f"give it with --guest: offsets are those of the file {program.name}",
            )
        if image.is_movable and any(one.address != one.offset for one in image.segments):
            notes.append(
                f"{program.name}: its code is not at its offset in the file, and FEX would take "
                "other code for it while it is being loaded; it keeps all of it ordered"
            )
            continue
        modules.append(_module(program, ordered, sorted(_kept(program)), image))
        need = "instruction needs" if len(ordered) == 1 else "instructions need"
        notes.append(f"{program.name}: {len(ordered)} {need} order")
    return ":".join(modules) + "\n", tuple(notes)


def _kept(program: ProgramProfile) -> set[int]:
    """Instructions that keep their order: all but loads that were seen to do without."""
    return {
        key.rip
        for key, facts in program.memops.items()
        if facts.need is not Need.OWNED or facts.access is not ProfileAccess.LOAD
    }


def _module(program: ProgramProfile, ordered: list[int], kept: list[int], image: GuestImage) -> str:
    name = program.name
    if not name or not name.isprintable() or any(one in name for one in _SEPARATORS):
        raise FileFormatError(
            f"{name!r:.80} cannot be a module's name in this format", "rename the program"
        )
    ranges, offsets = set(), set()
    runs = {segment.address: _Runs(segment, image.functions) for segment in image.segments}
    for rip in ordered:
        segment = image.segment_at(rip)
        run = None if segment is None else runs[segment.address].around(rip)
        if segment is None or run is None:
            raise FileFormatError(
                f"the profile of {name} has an instruction at {rip:#x}, where there is none",
                "the profile is damaged",
            )
        in_file = segment.offset - segment.address
        ranges.add((run[0] + in_file, run[1] + in_file))
        begin, end = bisect_left(kept, run[0]), bisect_left(kept, run[1])
        page = segment.address // _PAGE * _PAGE
        offsets |= {at - page for at in kept[begin:end]}
    spans = ",".join(f"{begin:#x}-{end:#x}" for begin, end in _joined(sorted(ranges)))
    return f"{name};{spans};{','.join(f'{offset:#x}' for offset in sorted(offsets))}"


class _Runs:
    """Instructions of a segment that are run one after the other, from leap to leap.

    Args:
        segment: the code.
        functions: where functions begin, sorted.
    """

    def __init__(self, segment: CodeSegment, functions: Sequence[int]) -> None:
        self._segment = segment
        self._functions = [at for at in functions if segment.address <= at < segment.end]
        self._known: dict[int, dict[int, _Span]] = {}

    def around(self, rip: int) -> _Span | None:
        """Begin and end of what runs with the instruction at `rip`; None where there is none."""
        number = bisect_right(self._functions, rip)
        limit = self._segment.end
        if number < len(self._functions):
            limit = self._functions[number]
        if number:
            begin = self._functions[number - 1]
            if begin not in self._known:
                self._known[begin] = {at: run for run, at in self._decoded(begin, limit)}
            if rip in self._known[begin]:
                return self._known[begin][rip]
        # Where functions are not known, nothing but the instruction itself is sure to be one.
        return next((run for run, _ in self._decoded(rip, self._segment.end)), None)

    def _decoded(self, begin: int, end: int) -> Iterator[tuple[_Span, int]]:
        """The instructions of [begin, end), each with the run that it is in."""
        first = self._segment.address
        code = self._segment.code[begin - first : end - first]
        run: list[int] = []
        stop = begin
        for one in decode_all(code, begin):
            run.append(one.address)
            stop = one.address + one.size
            if _leaves(one.mnemonic):
                yield from (((run[0], stop), at) for at in run)
                run = []
        yield from (((run[0], stop), at) for at in run)


def _leaves(mnemonic: str) -> bool:
    """Whether control may go elsewhere than to the next instruction; prefixes come before."""
    return any(word in _LEAVES or word.startswith("j") for word in mnemonic.split())


def _joined(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Sorted spans, those that touch made one."""
    last: _Span | None = None
    for begin, end in spans:
        if last is not None and begin <= last[1]:
            last = (last[0], max(end, last[1]))
            continue
        if last is not None:
            yield last
        last = (begin, end)
    if last is not None:
        yield last
