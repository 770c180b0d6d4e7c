"""Self-checking guests at each level of optimisation: natively, in the runtime, and in the VM."""

import pytest

from mtedbg.lab.vm import Vm
from tests.live.guest_matrix import in_vm, some_ways, ways, wrong
from tests.live.test_runtime_guests import oracle, run

PROGRAMS = ("programs", "lz", "heap", "bytecode", "queue", "locks", "mover", "threadlocal",
            "numbers")  # fmt: skip
THREADED = ("queue", "locks", "mover", "threadlocal", "numbers")
LEVELS = ("", "-O0", "-Os")
EVERYWHERE = ("", "--policy seed --shared-tag 15 --memops-start shared --schedule seed:5 --step 3")
PROTOCOLS = [
    f"--shared-tag {tag} --policy {policy} {rest}"
    for tag, policies in ((0, ("seed", "interpret", "follow")), (15, ("sticky", "follow")))
    for policy in policies
    for rest in ("--schedule seed:11 --cores 3", "--memops-start shared --step 7")
]


def passes(options: str, guest: str, level: str) -> None:
    done = run(options, f"{guest}{level}")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", oracle(guest)), options


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("guest", PROGRAMS)
def test_as_on_the_processor(guest: str, level: str) -> None:
    for options in EVERYWHERE:
        passes(options, guest, level)


@pytest.mark.parametrize("guest", PROGRAMS[1:])
def test_under_every_protocol(guest: str) -> None:
    for options in PROTOCOLS:
        passes(options, guest, "")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("guest", THREADED)
def test_with_a_host_thread_for_each(guest: str, level: str) -> None:
    passes("--threads threads --cores 3", guest, level)


def test_in_the_vm(lab_vm: Vm) -> None:
    """Each in one way; `make guests` has every program in every way."""
    some = some_ways()
    for axis in ("program", "level", "tag", "policy", "threads"):
        assert {getattr(way, axis) for way in some} == {getattr(way, axis) for way in ways()}, axis
    for way in some:
        assert not wrong(way, in_vm(lab_vm))


def test_what_the_processor_says_of_itself() -> None:
    assert run("", "system").stdout.split("\n")[:-1] == [
        "AuthenticAMD",
        "highest 1",
        "cx16 1",
        "popcnt 1",
        "sse 1",
        "lzcnt 1",
        "unknown 0",
        "constant",
    ]
