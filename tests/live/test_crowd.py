"""More threads than there are records, stacks that end, and addresses that x86-64 does not have."""

from __future__ import annotations

import re

import pytest

from tests.live.test_runtime_guests import run

SHORT = "1500"  # more than can be alive at once


@pytest.mark.parametrize("options", ["", "--threads threads"])
def test_threads_end_and_others_take_their_places(options: str) -> None:
    done = run(options, "crowd", SHORT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "crowd\n", "")


def test_as_many_threads_as_there_can_be() -> None:
    done = run("", "crowd", "100", "all")
    assert (done.returncode, done.stdout) == (0, "at once 1024\ncrowd\n")
    assert done.stderr == "mtetso: no more than 1024 guest threads can be alive at once\n"


@pytest.mark.parametrize("options", ["", "--threads threads --shared-tag 15"])
def test_a_stack_that_ends_is_named(options: str) -> None:
    done = run(options, "crowd", "0")
    assert done.returncode == 71
    assert re.fullmatch(
        r"mtetso: guest thread 2: stack overflow, rsp 0x[0-9a-f]+, address 0x[0-9a-f]+,"
        r" at 0x[0-9a-f]+: .*\n",
        done.stderr,
    ), done.stderr


def test_an_address_that_is_not_canonical() -> None:
    done = run("", "crowd", "1")
    assert done.returncode == 71
    expected = "mtetso: guest thread 1: address 0x800000000000, which is not canonical, at 0x"
    assert done.stderr.startswith(expected)
