"""A crash of a text in words: the headline, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import is_near_null, logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.crash_text import ExplainedCrash
    from mtedbg.analysis.postmortem.text_tags import TagRun
    from mtedbg.model.crash_text import CrashText

_ANDROID_TAG = 0xB4
_MEANING = {
    FaultKind.SYNCHRONOUS: "the pointer's tag does not match the memory's: use after free, out of "
    "bounds, or a corrupted pointer",
    FaultKind.ASYNCHRONOUS: "asynchronous: reported after the access, so the PC and the backtrace "
    "are not those of the access, and there is no address",
}
_MORE = {
    FaultKind.SYNCHRONOUS: "a core or a tombstone has the memory's tags: `mtedbg core CORE`",
    FaultKind.ASYNCHRONOUS: 'with synchronous checks (Android: memtagMode="sync"; elsewhere'
    " PR_MTE_TCF_SYNC) the fault names its instruction and address",
}
_CODES = {
    "SEGV_MAPERR": "nothing is mapped there",
    "SEGV_ACCERR": "the mapping there does not allow it: a guard page, read-only memory, or code",
    "SEGV_PKUERR": "a permission overlay (POE, memory protection keys) forbids it",
    "SEGV_CPERR": "the Guarded Control Stack (GCS): a return address, or an access to that stack,"
    " is not what it should be",
    "BUS_ADRALN": "the address is not aligned as the access needs it",
    "BUS_ADRERR": "there is no such physical address, or a mapped file is shorter",
}
_ALLOCATOR = "found by the allocator: the damage was done earlier than the backtrace"


def summary(found: Sequence[ExplainedCrash]) -> str:
    """Several crashes in one line."""
    counts: dict[str, int] = {}
    for one in found:
        kind = f" ({one.tag_check.value})" if one.tag_check else ""
        counts[f"{one.verdict.value}{kind}"] = counts.get(f"{one.verdict.value}{kind}", 0) + 1
    return f"{len(found)} crashes: " + ", ".join(
        f"{count} {name}" for name, count in counts.items()
    )


def headline(found: ExplainedCrash) -> str:
    """What it was, in one line, as sure as the text is."""
    text, where = found.text, "kernel: " if found.text.in_kernel else ""
    if found.verdict.value == "not a crash":
        return f"not a crash: {_name(text)} asked for a dump of the process"
    soft = "software " if text.software else ""
    if found.tag_check is FaultKind.ASYNCHRONOUS:
        return f"{where}{soft}tag check fault (asynchronous): some access before the PC"
    at = or_else(then(found.address, lambda address: f" at {address:#x}"), "")
    if found.tag_check is FaultKind.SYNCHRONOUS:
        tags = f"pointer tag {_pointer(found)}, memory tag {_memory(found)}"
        return f"{where}{soft}tag check fault (synchronous): {_access(found)}{at}, {tags}"
    if found.verdict.value == "tag check fault":
        return f"{where}tag check fault{at}: synchronous or asynchronous, the text does not say"
    what = _name(text)
    said = text.causes[0].words if text.causes and text.causes[0].words else text.message
    if found.verdict.value == "cannot tell":
        return (
            f"{where}{what or 'a crash'}{at}: cannot tell whether it was a tag check "
            f"fault: {_why(text)}"
        )
    about = f"{what}{at}" if what else ""
    words = "; ".join(part for part in (about, said.split("\n")[0]) if part)
    return f"{where}not a tag check fault: {words or 'an unknown signal'}"


def _name(text: CrashText) -> str:
    name = f"{text.signal_name} {text.code_name}".strip()
    exception = next((told for about, told in text.facts if about == "exception"), "")
    return name or exception


def _why(text: CrashText) -> str:
    """Why a text does not tell what it was."""
    if isinstance(text.signal, Absent) and not text.signal_name:
        return "the text has no signal"
    if isinstance(text.code, int) and text.code <= 0:
        return "the signal was sent, perhaps again by a handler that saw another"
    if text.signal_name == "SIGKILL":
        return "the text does not say who killed it, and why"
    if isinstance(text.code, Absent):
        return "the text has no code"
    return "the text does not say"


def _access(found: ExplainedCrash) -> str:
    size = found.text.size
    access = found.access or "access"
    return f"{access} of {size} byte{'s' if size != 1 else ''}" if isinstance(size, int) else access


def _pointer(found: ExplainedCrash) -> str:
    tag, text = found.pointer_tag, found.text
    if isinstance(tag, Absent):
        return "hidden" if tag.detail.startswith("hidden") else "not given"
    if found.hidden is not None:
        return f"{tag} (by {found.hidden.register})"
    if text.software:
        return f"{tag:#04x}"
    if text.in_kernel and isinstance(text.logical_tag, int):
        return f"{tag:#x} ({text.logical_tag:#x})"
    return str(tag)


def _memory(found: ExplainedCrash) -> str:
    tag = found.memory_tag
    if isinstance(tag, Absent):
        return "not given"
    return f"{tag:#04x}" if found.text.tag_bits > 4 else str(tag)


def notes(found: ExplainedCrash) -> Iterator[str]:
    """What is to be said of it, one line each."""
    text = found.text
    yield from text.notes
    if found.tag_check is not None:
        yield from _of_tag_check(found)
    elif found.verdict.value != "tag check fault":
        yield from _of_other(found)
    if text.signal == 35:
        yield "signal 35 asks debuggerd for a dump: nothing crashed"
    if text.message and text.message not in "".join(cause.words for cause in text.causes):
        yield f"it said: {text.message.splitlines()[0]}"
    for one in found.boxed:
        yield (
            f"{one.value} is {one.what}; in a box of 64 bits it overwrites what the box keeps there"
        )
    if any(told for about, told in text.facts if about == "truncated"):
        yield (
            "the pointer's top bits were lost before free(): NaN boxing, compressed pointers, or a"
            " cast to fewer bits; Android keeps a tag there"
        )
    yield from _where_is_the_core(text)


def _of_tag_check(found: ExplainedCrash) -> Iterator[str]:
    kind, raw, text = found.tag_check, found.raw_address, found.text
    assert kind is not None
    yield _MEANING[kind]
    if text.in_kernel:
        yield "it was the kernel that faulted, no process's own memory"
    for rank, cause in enumerate(text.causes, 1):
        first = "the text says" if rank == 1 else f"or, less likely ({rank})"
        if cause.words:
            yield f"{first}: {cause.words}"
    yield from _by_tags(found)
    yield from _by_map(found)
    if not text.in_kernel and not text.software and text.source not in ("Apple", "LLDB on Apple"):
        yield _MORE[kind]
    if present(raw):
        yield from _of_address(found, raw)


def _by_tags(found: ExplainedCrash) -> Iterator[str]:
    pointer, memory, text = found.pointer_tag, found.memory_tag, found.text
    if text.in_kernel:
        facts = dict(text.facts)
        if memory == 0xFE and "inside" in facts.get("place", ""):
            cache = f" (cache {facts['cache']})" if "cache" in facts else ""
            yield f"memory tag 0xfe is KASAN_TAG_INVALID, inside of an object{cache}: it is freed"
        elif memory == 0xFE:
            yield "memory tag 0xfe is KASAN_TAG_INVALID: freed memory, or a red zone"
        elif memory == 0xFF:
            yield "memory tag 0xff is KASAN_TAG_KERNEL: memory that KASAN does not tag"
        return
    if text.software or isinstance(memory, Absent):
        return
    if found.zeros is not None:
        drawn = found.zeros.granules
        yield (
            f"all {drawn} tags that are drawn of its page are 0: mapped anew, or its tags were lost"
            " (swap, copy); that is not how one freed object looks"
        )
    elif memory == 0 and pointer:
        yield "memory tag 0: allocators use it for freed memory and for their headers"
    if memory == pointer:
        yield "the tags are equal: the memory was retagged after the fault"
    elif pointer == 0:
        yield (
            "a pointer without a tag to tagged memory: its tag was cut off (NaN boxing, compressed"
            " pointers), or it never had one"
        )


def _by_map(found: ExplainedCrash) -> Iterator[str]:
    run: TagRun | None = found.run
    if run is not None:
        place = "ends" if run.before else "begins"
        side = "before" if run.before else "after"
        tag = found.pointer_tag
        shown = f"{tag:#x}" if isinstance(tag, int) else "?"
        yield (
            f"the nearest memory with the pointer's tag ({shown}) {place} {run.distance} "
            f"bytes {side} it"
        )


def _of_address(found: ExplainedCrash, raw: int) -> Iterator[str]:
    """What the address of a tag check fault does not say."""
    hidden = found.hidden
    if hidden is not None:
        sure = "" if hidden.certain else "; other registers near it have other tags"
        yield (
            f"the address has no tag, for the kernel hides it from a handler without"
            f" SA_EXPOSE_TAGBITS: {hidden.register} has tag {hidden.tag} and points {hidden.offset}"
            f" bytes before it{sure}"
        )
    elif isinstance(found.pointer_tag, Absent) and found.pointer_tag.detail.startswith("hidden"):
        yield (
            "tag 0: without SA_EXPOSE_TAGBITS the kernel hides the tag, it may be another; no"
            " register in this text shows it"
        )
    if raw >> 60 and not found.text.in_kernel and not found.text.software:
        yield (
            "bits 63:60 of the address are undefined, unless the kernel has HWCAP3_MTE_FAR: no such"
            " text says so"
        )


def _of_other(found: ExplainedCrash) -> Iterator[str]:
    text, raw = found.text, found.raw_address
    if present(raw) and present(found.address):
        if is_near_null(found.address):
            yield "near address 0: a null pointer and an offset"
        elif raw >> 56 == _ANDROID_TAG:
            yield (
                f"the top byte {_ANDROID_TAG:#x} is Android's fixed heap tag (TBI): no "
                f"memory tagging"
            )
        elif (tag := logical_tag(raw)) and not text.in_kernel:
            if found.verdict.value == "cannot tell":
                yield (
                    f"the pointer carries tag {tag}: the address of a tag check fault looks like "
                    "this, and so does that of any other fault of a tagged pointer"
                )
            else:
                yield f"the pointer carries tag {tag}, but this is not a tag check fault"
    boxed = [name for name, value in found.near if value >> 56 == _ANDROID_TAG]
    if boxed:
        yield (
            f"{', '.join(boxed)}: the top byte {_ANDROID_TAG:#x} is Android's fixed heap tag (TBI),"
            " which is not checked: no memory tagging here"
        )
    if any("[GWP-ASan]" in cause.words for cause in text.causes):
        yield "GWP-ASan: a sampled allocation next to a guard page, found without tags"
    if any(told for about, told in text.facts if about == "allocator"):
        yield _ALLOCATOR
        yield from _object(text)
    if words := _CODES.get(text.code_name):
        yield f"{text.code_name}: {words}"
    if text.code == 0x80 and not present(raw):
        yield "SI_KERNEL: the kernel raised it without an address, so no access can be named"
    if text.signal_name == "SIGSEGV" and text.code_name in ("SI_TKILL", "SI_USER", "SI_QUEUE"):
        yield (
            "the signal was sent: handlers of crash reporters do so after the fault that they saw;"
            " a core has that fault's frame on the stack"
        )


def _object(text: CrashText) -> Iterator[str]:
    told = next((value for about, value in text.facts if about == "object"), "")
    value = int(told, 16) if told.startswith("0x") and len(told) <= 18 else 0
    if value and logical_tag(value) and not value >> 60:
        yield f"the pointer {value:#x} has tag {logical_tag(value)}"


def _where_is_the_core(text: CrashText) -> Iterator[str]:
    if text.source == "coredumpctl" and isinstance(text.pid, int):
        yield (
            f"it has neither code nor address; the core has: coredumpctl dump {text.pid} -o FILE,"
            " then mtedbg core FILE"
        )
    if text.source == "QEMU" and ("core", "dumped") in text.facts:
        yield "QEMU wrote a core file: mtedbg core qemu_PROGRAM_TIME_PID.core"
