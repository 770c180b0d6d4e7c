"""`mte-ctl`: how each thread has its memory accesses checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.model.absent import Absent, then
from mtedbg.model.control import CheckMode
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.tags.control import ThreadControl
    from mtedbg.session import Session

_PREFERENCE = (
    f"{CheckMode.EITHER}: the kernel uses the mode that each cpu prefers, see "
    "/sys/devices/system/cpu/cpu*/mte_tcf_preferred (async where nothing is set)"
)
_HARDWARE = (
    "this target gives only the check mode (SCTLR_EL1), not what a thread requested from a kernel"
)


def _run(session: Session, arguments: Arguments) -> Answer:  # noqa: ARG001 - it has none
    from mtedbg.analysis.tags.control import thread_controls

    found = thread_controls(session)
    notes = []
    if any(one.control.tcf == CheckMode.EITHER for one in found):
        notes.append(_PREFERENCE)
    if any(one.by_hardware for one in found):
        notes.append(_HARDWARE)
    return Answer(Table(tuple(map(_row, found))), _headline(found), tuple(notes))


def _row(one: ThreadControl) -> Row:
    from mtedbg.decode.control import overlays_of, shadow_stack_features

    found, stack = one.control, one.protection.shadow_stack
    return {
        "thread": one.thread,
        "tagged_addr": found.tagged_addr,
        "tcf": then(found.tcf, str),
        "include_mask": then(found.include_mask, lambda mask: f"{mask:#06x}"),
        "store_only": found.store_only,
        "gcs_enabled": then(stack, lambda one: shadow_stack_features(one.enabled)),
        "gcs_locked": then(stack, lambda one: shadow_stack_features(one.locked)),
        "gcs_pointer": then(stack, lambda one: one.pointer),
        "overlays": then(
            one.protection.overlays,
            lambda word: {str(key): what for key, what in overlays_of(word).items()},
        ),
    }


def _headline(found: Sequence[ThreadControl]) -> str:
    """What all threads have in common; that they differ, where they do."""
    who = counted(len(found), "thread")
    modes = {one.control.tcf for one in found}
    if len(modes) > 1:
        return f"{who} with different check modes"
    (mode,) = modes
    if isinstance(mode, Absent):
        return f"{who}, check mode: {mode}"
    checked = "accesses are not checked" if mode is CheckMode.NONE else f"tag checks {mode}"
    return f"{who}: {checked}"


COMMAND = Command(
    name="mte-ctl",
    summary="For every thread: tagged address ABI, check mode, the tags that IRG may choose.",
    columns=(
        Column("thread", Kind.COUNT, "its number"),
        Column("tagged_addr", Kind.FLAG, "whether system calls take tagged pointers"),
        Column("tcf", Kind.TEXT, "tag check faults: none, sync, async, sync or async, asymm"),
        Column("include_mask", Kind.TEXT, "bit n is set where IRG may choose tag n"),
        Column("store_only", Kind.FLAG, "whether loads are not checked"),
        Column("gcs_enabled", Kind.LIST, "Guarded Control Stack: what is on: enable, write, push"),
        Column("gcs_locked", Kind.LIST, "what of it can no longer be changed"),
        Column("gcs_pointer", Kind.ADDRESS, "its pointer (GCSPR_EL0)"),
        Column(
            "overlays",
            Kind.LIST,
            "what each protection key lets through (POR_EL0); keys that it leaves out: nothing",
            whole=True,
        ),
    ),
    run=_run,
    details=(
        "These are the bits of prctl(PR_SET_TAGGED_ADDR_CTRL) (NT_ARM_TAGGED_ADDR_CTRL in a core). "
        "A thread may request both sync and async: the kernel then uses the mode that the cpu "
        "prefers. Guarded Control Stacks and protection keys are shown where the target has them "
        "(NT_ARM_GCS and NT_ARM_POE in a core: Linux 6.13 and 6.12, on processors with them)."
    ),
    example="mte-ctl",
)
