"""The tagged-address control word. The words are those of real kernels' cores."""

from __future__ import annotations

import pytest

from mtedbg.decode.control import control_of, overlays_of, shadow_stack_features
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.control import CheckMode, TagControl
from mtedbg.model.process import Thread

UNTOLD = Absent(Reason.UNKNOWN)
HARDWARE = (CheckMode.NONE, CheckMode.SYNC, CheckMode.ASYNC, CheckMode.ASYMM)


def thread(word: int | Absent, mode: int | Absent = NOT_APPLICABLE) -> Thread:
    return Thread(1, 100, "", current=True, tagged_addr_ctrl=word, check_mode=mode)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0, TagControl(False, CheckMode.NONE, 0, False)),
        (1, TagControl(True, CheckMode.NONE, 0, False)),
        (0x7FFF3, TagControl(True, CheckMode.SYNC, 0xFFFE, False)),
        (0x7FFF5, TagControl(True, CheckMode.ASYNC, 0xFFFE, False)),
        (0x7FFF7, TagControl(True, CheckMode.EITHER, 0xFFFE, False)),
        (0xFFFFB, TagControl(True, CheckMode.SYNC, 0xFFFF, True)),
    ],
)
def test_words(word: int, expected: TagControl) -> None:
    assert control_of(thread(word)) == expected


@pytest.mark.parametrize(
    ("mode", "tcf"), list(enumerate(["none", CheckMode.SYNC, CheckMode.ASYNC, "asymm"]))
)
def test_the_bare_check_mode(mode: int, tcf: CheckMode) -> None:
    found = control_of(thread(Absent(Reason.UNKNOWN, "QEMU"), mode))
    assert found == TagControl(UNTOLD, tcf, UNTOLD, UNTOLD)


@pytest.mark.parametrize(
    ("word", "features"),
    [
        (0, ()),
        (1, ("enable",)),
        (5, ("enable", "push")),
        (0x17, ("enable", "write", "push", "0x10")),
    ],
)
def test_features_of_a_shadow_stack(word: int, features: tuple[str, ...]) -> None:
    assert shadow_stack_features(word) == features


def test_protection_keys() -> None:
    """POR_EL0_INIT of Linux lets key 0 through; reserved values are numbers."""
    assert overlays_of(7) == {0: "rwx"}
    assert overlays_of(0x7654_3217) == dict(
        enumerate(["rwx", "r", "x", "rx", "w", "rw", "wx", "rwx"])
    )
    assert overlays_of(0x8 << 60) == {15: "0x8"}


def test_a_check_mode_that_is_none() -> None:
    found = control_of(thread(UNTOLD, 9))
    assert isinstance(found.tcf, Absent)
