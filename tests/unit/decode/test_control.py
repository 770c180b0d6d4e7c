"""The tagged-address control word. The words are those of real kernels' cores."""

from __future__ import annotations

import pytest

from mtedbg.decode.control import control_of
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


def test_a_check_mode_that_is_none() -> None:
    found = control_of(thread(UNTOLD, 9))
    assert isinstance(found.tcf, Absent)
