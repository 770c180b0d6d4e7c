"""The matrix: which program dies of what, in which way, built how; and what is true of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from tests.crashes import build
from tests.crashes.build import Build


class Cause(Enum):
    """What a program died of, in truth."""

    USE_AFTER_FREE = "heap use after free"
    OVERFLOW = "heap overflow"
    UNDERFLOW = "heap underflow"
    DOUBLE_FREE = "double free"
    INVALID_FREE = "invalid free"
    NULL = "null pointer"
    GARBAGE = "garbage pointer"
    UNTAGGED = "pointer that lost its tag"
    NULL_CALL = "call of a null pointer"
    STACK_EXHAUSTED = "stack exhausted"
    STACK_OVERFLOW = "stack variable overflow"
    STACK_UNDERFLOW = "stack variable underflow"
    USE_AFTER_RETURN = "use after return"
    USE_AFTER_SCOPE = "use after scope"
    TAG_MISMATCH = "tag mismatch"
    ABORT = "abort"


HEAP_BUGS = {
    "uaf_read": Cause.USE_AFTER_FREE,
    "uaf_write": Cause.USE_AFTER_FREE,
    "uaf_inlined": Cause.USE_AFTER_FREE,
    "uaf_memcpy": Cause.USE_AFTER_FREE,
    "uaf_strlen": Cause.USE_AFTER_FREE,
    "uaf_reused": Cause.USE_AFTER_FREE,
    "uaf_reused_write": Cause.USE_AFTER_FREE,
    "over_1": Cause.OVERFLOW,
    "over_8": Cause.OVERFLOW,
    "over_100": Cause.OVERFLOW,
    "over_1000": Cause.OVERFLOW,
    "over_read": Cause.OVERFLOW,
    "over_walk": Cause.OVERFLOW,
    "over_memset": Cause.OVERFLOW,
    "over_memcpy": Cause.OVERFLOW,
    "over_strcpy": Cause.OVERFLOW,
    "under_1": Cause.UNDERFLOW,
    "under_16": Cause.UNDERFLOW,
    "under_100": Cause.UNDERFLOW,
    "double_free": Cause.DOUBLE_FREE,
    "double_free_reused": Cause.DOUBLE_FREE,
    "invalid_free_inside": Cause.INVALID_FREE,
    "invalid_free_stack": Cause.INVALID_FREE,
    "invalid_free_garbage": Cause.INVALID_FREE,
    "null_pointer": Cause.NULL,
    "garbage_pointer": Cause.GARBAGE,
    "untagged_pointer": Cause.UNTAGGED,
    "null_call": Cause.NULL_CALL,
    "stack_overflow": Cause.STACK_EXHAUSTED,
    "plain_abort": Cause.ABORT,
    "race": Cause.USE_AFTER_FREE,
}
NAMED_BUGS = (
    "uaf_read", "uaf_reused", "over_1", "over_8", "over_100", "over_1000", "under_1",
    "double_free", "invalid_free_inside", "race",
)  # fmt: skip
HANDLERS = ("none", "raise", "kill", "abort", "altstack", "trap")
MORE_HANDLERS = (
    "tgkill", "return", "nested", "altraise", "chain", "reporter", "loop", "wayout", "recovered",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One crash.

    Args:
        build: the program.
        allocator: glibc, scudo, own, or none where the bug is not the heap's.
        bug: its name, the program's first argument.
        handler: what the program does at a fault, its second.
        cause: what it dies of.
        more: further arguments.
        asynchronous: the kernel tells of tag check faults later.
    """

    build: Build
    allocator: str
    bug: str
    handler: str
    cause: Cause
    more: tuple[str, ...] = ()
    asynchronous: bool = False

    @property
    def name(self) -> str:
        """A name for a folder."""
        words = (self.build.name or self.build.program, self.allocator, self.bug, self.handler)
        more = [*self.more, *(["async"] if self.asynchronous else [])]
        return "-".join((*words, self.build.compiler, self.build.flags, *more)).replace("=", "")

    @property
    def of_newer_kernel(self) -> bool:
        """Whether Linux 6.1 has no such instruction: it knows nothing of FEAT_MOPS."""
        return self.bug.startswith("mops_")

    def environment(self) -> dict[str, str]:
        """Of the program."""
        environment = {"PATH": "/usr/bin"}
        if self.allocator in ("glibc", "scudo"):
            environment["GLIBC_TUNABLES"] = f"glibc.mem.tagging={1 if self.asynchronous else 3}"
        if self.allocator == "scudo":
            environment["LD_PRELOAD"] = build.scudo()
        return environment


def heap(
    bugs: tuple[str, ...] = tuple(HEAP_BUGS),
    handlers: tuple[str, ...] = ("none",),
    allocators: tuple[str, ...] = ("glibc", "scudo", "own"),
    compilers: tuple[str, ...] = ("gcc",),
    flags: tuple[str, ...] = ("O2",),
    more: tuple[str, ...] = ("48",),
) -> Iterator[Cell]:
    """Cells of `heap.c`: all that there are of the words given."""
    for allocator in allocators:
        for compiler in compilers:
            for flag in flags:
                own = ("-DOWN_HEAP",) if allocator == "own" else ()
                how = Build("heap", compiler, flag, own)
                for bug in bugs:
                    for handler in handlers:
                        yield Cell(how, allocator, bug, handler, HEAP_BUGS[bug], more)


STACK_BUGS = {
    "over_1": Cause.STACK_OVERFLOW,
    "over_read": Cause.STACK_OVERFLOW,
    "over_memset": Cause.STACK_OVERFLOW,
    "over_walk": Cause.STACK_OVERFLOW,
    "under_1": Cause.STACK_UNDERFLOW,
    "use_after_return": Cause.USE_AFTER_RETURN,
    "use_after_scope": Cause.USE_AFTER_SCOPE,
}
FORMS = (
    *("ldr", "ldr_offset", "ldr_index", "ldr_post", "str_pre", "ldrb", "ldr_straddle"),
    *("ldr_q_straddle", "ldp", "ldp_straddle", "ldp_q", "stp", "ldxr", "stlr", "cas", "casp"),
    *("ldadd", "swp", "ld1_one", "ld1_four", "ld4", "ld1r", "st1", "dc_zva"),
    *("sve_ld1b", "sve_st1b", "sve_st1b_index", "sve_st1b_vl", "sve_ld1w_part", "sve_ld2d"),
    *("sve_gather", "sve_gather_vector", "sve_scatter", "sve_first_fault", "sve_ldr", "sve_ld1r"),
    *("mops_set", "mops_copy_to", "mops_copy_from", "mops_copy_both_ways"),
)
OBJECT_BUGS = {
    "uaf_virtual": Cause.USE_AFTER_FREE,
    "over_operator": Cause.OVERFLOW,
    "over_vector": Cause.OVERFLOW,
    "uaf_string_view": Cause.USE_AFTER_FREE,
    "uaf_closure": Cause.USE_AFTER_FREE,
    "uaf_map": Cause.USE_AFTER_FREE,
    "double_delete": Cause.DOUBLE_FREE,
    "uncaught": Cause.ABORT,
    "wrong_state": Cause.ABORT,
}
RUST_BUGS = {
    "uaf_box": Cause.USE_AFTER_FREE,
    "uaf_dyn": Cause.USE_AFTER_FREE,
    "over_vec": Cause.OVERFLOW,
    "under_vec": Cause.UNDERFLOW,
    "uaf_closure": Cause.USE_AFTER_FREE,
    "double_drop": Cause.DOUBLE_FREE,
    "panic": Cause.ABORT,
}
_STACK_TAGGING = ("-Xclang", "-fsanitize=memtag-stack", "--ld-path=/usr/bin/ld.lld-19")
"""The driver takes the option for Android alone; the linker must know the augmentation G."""


def stack(handlers: tuple[str, ...], flags: tuple[str, ...]) -> Iterator[Cell]:
    """Cells of `stack.c`. Without optimisation clang does not mark where a scope ends."""
    for flag in flags:
        how = Build("stack", "clang", flag, _STACK_TAGGING)
        for bug, cause in STACK_BUGS.items():
            if bug != "use_after_scope" or flag != "O0":
                for handler in handlers:
                    yield Cell(how, "none", bug, handler, cause)


def forms(handlers: tuple[str, ...] = ("none",)) -> Iterator[Cell]:
    """Cells of `forms.c`."""
    for form in FORMS:
        for handler in handlers:
            yield Cell(Build("forms"), "none", form, handler, Cause.TAG_MISMATCH)


def objects(
    handlers: tuple[str, ...], flags: tuple[str, ...], allocators: tuple[str, ...] = ("glibc",)
) -> Iterator[Cell]:
    """Cells of `objects.cc`."""
    for allocator in allocators:
        for compiler in ("gcc", "clang"):
            for flag in flags:
                for bug, cause in OBJECT_BUGS.items():
                    for handler in handlers:
                        yield Cell(Build("objects", compiler, flag), allocator, bug, handler, cause)


def rusty(
    handlers: tuple[str, ...],
    flags: tuple[str, ...],
    manglings: tuple[str, ...] = ("legacy",),
    more: tuple[str, ...] = (),
) -> Iterator[Cell]:
    """Cells of `rusty.rs`."""
    for mangling in manglings:
        options = ["-C", "panic=abort"]
        if mangling != "legacy":
            options += ["-C", f"symbol-mangling-version={mangling}"]
        for flag in flags:
            name = f"rusty-{mangling}"
            how = Build("rusty", "rustc", flag, tuple(options), name)
            for bug, cause in RUST_BUGS.items():
                for handler in handlers:
                    yield Cell(how, "glibc", bug, handler, cause, more)


def whole() -> list[Cell]:
    """All cells."""
    cells = [
        *heap(),
        *heap(NAMED_BUGS, HANDLERS[1:]),
        *heap(("uaf_read", "over_memcpy"), MORE_HANDLERS),
        *heap(NAMED_BUGS, flags=("O0", "O2-fp")),
        *heap(NAMED_BUGS, compilers=("clang",), flags=("O0", "O2", "O2-fp")),
        *heap(NAMED_BUGS, ("none", "raise", "abort", "altstack"), more=("48", "threads")),
        *heap(("uaf_read", "over_1", "over_memset", "under_1", "double_free"), more=("5008",)),
        *heap(("uaf_read", "over_1", "under_1"), more=("200000",), allocators=("glibc", "scudo")),
        *(
            replace(cell, asynchronous=True)
            for cell in heap(
                ("uaf_read", "over_1", "over_memset"), ("none", "abort"), ("glibc", "scudo")
            )
        ),
        *stack(HANDLERS, ("O2",)),
        *stack(("none",), ("O0", "O2-fp")),
        *forms(("none", "abort")),
        *objects(("none", "raise"), ("O0", "O2", "O2-fp"), ("glibc", "scudo")),
        *rusty(("none", "raise", "abort"), ("O0", "O2", "O2-fp"), ("legacy", "v0")),
        *rusty(("none",), ("O2",), more=("threads",)),
    ]
    return list({cell.name: cell for cell in cells if _can_crash(cell)}.values())


def _can_crash(cell: Cell) -> bool:
    """Scudo does not check the tag of a pointer that is freed: it frees the new owner's memory.
    The program's own heap believes every pointer that is given back."""
    if cell.allocator == "own" and cell.cause is Cause.INVALID_FREE:
        return cell.bug != "invalid_free_inside"
    return not (cell.allocator == "scudo" and cell.bug == "double_free_reused")


def sample() -> list[Cell]:
    """Those of `make test`: every bug once, every handler once."""
    some_forms = ("ldr_straddle", "ldp_straddle", "casp", "ld4", "dc_zva", "sve_gather_vector")
    cells = [
        *heap(),
        *heap(("uaf_reused", "over_1"), (*HANDLERS[1:], *MORE_HANDLERS), ("glibc",)),
        *heap(("uaf_read", "over_memcpy"), ("raise", "altstack", "reporter"), ("scudo", "own")),
        *heap(("race",), ("abort",), ("glibc",), compilers=("clang",), more=("48", "threads")),
        *stack(("none", "abort"), ("O2",)),
        *(cell for cell in forms(("none", "abort")) if cell.bug in some_forms),
        *objects(("none",), ("O2",)),
        *rusty(("none",), ("O2",), ("v0",)),
    ]
    return [cell for cell in cells if _can_crash(cell)]
