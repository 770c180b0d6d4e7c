"""The tagged-address control word of a thread, and the check mode of the hardware.

Source: Linux, Documentation/arch/arm64/memory-tagging-extension.rst and include/uapi/linux/prctl.h:
bit 0 PR_TAGGED_ADDR_ENABLE, bits 2:1 PR_MTE_TCF_{SYNC,ASYNC}, of which both may be asked for, bits
18:3 the tags that IRG may choose, bit 19 PR_MTE_STORE_ONLY. Arm ARM (DDI 0487) D24.2 "SCTLR_EL1",
field TCF0; "POR_EL0": four bits for each of sixteen protection keys. Guarded Control Stacks:
Documentation/arch/arm64/gcs.rst, and PR_SHADOW_STACK_{ENABLE,WRITE,PUSH} of prctl.h.
"""

from __future__ import annotations

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.control import CheckMode, TagControl
from mtedbg.model.process import Thread

_TCF_SHIFT, _TCF_MASK = 1, 3
_INCLUDE_SHIFT, _INCLUDE_MASK = 3, 0xFFFF
_STORE_ONLY = 1 << 19

_ASKED_FOR = (CheckMode.NONE, CheckMode.SYNC, CheckMode.ASYNC, CheckMode.EITHER)
_HARDWARE = (CheckMode.NONE, CheckMode.SYNC, CheckMode.ASYNC, CheckMode.ASYMM)


_SHADOW_STACK = ("enable", "write", "push")
_OVERLAY_BITS, _KEYS = 4, 16
# Bit 0 reads, bit 1 executes, bit 2 writes (arch/arm64/include/asm/sysreg.h: POE_R, POE_X, POE_W).
_OVERLAYS = ("none", "r", "x", "rx", "w", "rw", "wx", "rwx")


def shadow_stack_features(word: int) -> tuple[str, ...]:
    """The features of a Guarded Control Stack that a word of bits has; unknown ones as numbers."""
    names = tuple(name for bit, name in enumerate(_SHADOW_STACK) if word >> bit & 1)
    unknown = word >> len(_SHADOW_STACK) << len(_SHADOW_STACK)
    return (*names, f"{unknown:#x}") if unknown else names


def overlays_of(word: int) -> dict[int, str]:
    """What each protection key lets through, by POR_EL0, without those that let nothing."""
    fields = {key: word >> key * _OVERLAY_BITS & 15 for key in range(_KEYS)}
    return {
        key: _OVERLAYS[field] if field < len(_OVERLAYS) else f"{field:#x}"
        for key, field in fields.items()
        if field
    }


def control_of(thread: Thread) -> TagControl:
    """What `thread` asked the kernel for, as far as the target tells it."""
    word, mode = thread.tagged_addr_ctrl, thread.check_mode
    if isinstance(word, int):
        return TagControl(
            tagged_addr=bool(word & 1),
            tcf=_ASKED_FOR[word >> _TCF_SHIFT & _TCF_MASK],
            include_mask=word >> _INCLUDE_SHIFT & _INCLUDE_MASK,
            store_only=bool(word & _STORE_ONLY),
        )
    if not isinstance(mode, int):
        return TagControl(word, word, word, word)
    known = 0 <= mode < len(_HARDWARE)
    tcf = _HARDWARE[mode] if known else Absent(Reason.DAMAGED, f"check mode {mode}")
    untold = Absent(word.reason)
    return TagControl(untold, tcf, untold, untold)
