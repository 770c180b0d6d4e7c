"""The three views of the core id: the frame's, the register that shadows it, the kernel's."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.decode.stack.context import Context
from mtedbg.decode.stack.registers import role_value
from mtedbg.decode.stack.rseq import kernel_cpu
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.frame import CoreIds, GuestFrame, Owner
from mtedbg.model.runtime import Config, CoreIdSource

_TAGS = 16
_RSEQ_SOURCES = (CoreIdSource.RSEQ_READ, CoreIdSource.RSEQ_STRICT)
_CORES = (*_RSEQ_SOURCES, CoreIdSource.PINNED, CoreIdSource.LOCKSTEP)


def core_ids(
    runtime: Runtime, frame: GuestFrame, context: Context | None, registers: Mapping[str, int]
) -> CoreIds:
    """The three views, and which window explains it where they differ.

    Args:
        runtime: of the guest.
        frame: its frame.
        context: host registers as translated code left them, where it was running.
        registers: of the host thread.
    """
    shadow: int | Absent = NOT_APPLICABLE
    if context is not None:
        value = role_value(runtime, "host_core_id", context.registers)
        shadow = Absent(Reason.UNREADABLE) if value is None else value
    kernel = _kernel(runtime, frame, registers)
    why = _disagreement(runtime, frame.host_core_id, shadow, kernel)
    owner = _owner(runtime.config, frame.host_core_id)
    return CoreIds(frame.host_core_id, shadow, kernel, not why, why, owner)


def _kernel(runtime: Runtime, frame: GuestFrame, registers: Mapping[str, int]) -> int | Absent:
    config = runtime.config
    if not isinstance(config, Absent) and config.core_id_source == CoreIdSource.LOCKSTEP:
        return NOT_APPLICABLE
    area = frame.rseq if isinstance(frame.rseq, int) else 0
    return kernel_cpu(runtime.target, registers, area)


def _owner(config: Config | Absent, tag: int) -> Owner | Absent:
    """What owns memory with the tag that the frame has."""
    if isinstance(config, Absent):
        return config
    if tag >= _TAGS:
        return Absent(Reason.DAMAGED, f"{tag} is not a tag")
    if tag in (config.nobody_tag, config.shared_tag):
        return Owner.NONE
    if config.core_id_source == CoreIdSource.THREAD:
        return Owner.THREAD
    if config.core_id_source in _CORES:
        return Owner.CORE
    if isinstance(config.core_id_source, Absent):
        return config.core_id_source
    return Absent(Reason.UNKNOWN_VERSION, f"core id source {config.core_id_source} is not known")


def _disagreement(runtime: Runtime, kept: int, shadow: int | Absent, kernel: int | Absent) -> str:
    """Which window explains that the views differ; empty where they agree."""
    if kept >= _TAGS:
        return f"the frame's core id {kept} is not a tag: the frame is damaged"
    if isinstance(shadow, int) and shadow != kept:
        return (
            f"the register still holds {shadow}: the frame's id changed since translated code "
            "was entered, and the next entry reloads it"
        )
    config = runtime.config
    if isinstance(config, Absent) or config.core_id_source not in _RSEQ_SOURCES:
        return ""  # simulated, or counted in another way than the kernel counts
    if isinstance(kernel, Absent) or _core_tag(kernel, config) == kept:
        return ""
    return (
        f"the kernel moved the thread to cpu {kernel} after the frame's id was set: "
        "the migration window"
    )


def _core_tag(core: int, config: Config) -> int:
    """What pointers of core number `core` have: its tag, or the one of cores without a tag."""
    tag = core + 1 if config.shared_tag == 0 else core
    if isinstance(config.nobody_tag, int) and config.nobody_tag != config.shared_tag:
        return min(tag, config.nobody_tag)
    return config.shared_tag if core >= _TAGS - 1 else tag
