"""Crash handlers as programs have them: the fault is found behind the signal that killed."""

from __future__ import annotations

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.fault.death import Death, death, earlier_faults
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import or_else, present
from mtedbg.model.fault import Found
from mtedbg.model.pointer import strip
from mtedbg.session import Session
from tests.support.cores import Case, KernelCore, produce

HANDLER, RETURNED, SIGNAL = Found.HANDLER, Found.RETURNED, Found.SIGNAL

# Which signal kills, and how the fault is found. Of a signal that goes to the whole process, which
# thread takes it is the kernel's choice.
IDIOMS = {
    "none": ("SIGSEGV SEGV_MTESERR", SIGNAL),
    "return": ("SIGSEGV SEGV_MTESERR", SIGNAL),
    "raise": ("SIGSEGV SI_TKILL", RETURNED),
    "kill": ("SIGSEGV SI_USER", RETURNED),
    "tgkill": ("SIGSEGV SI_TKILL", RETURNED),
    "nodefer": ("SIGSEGV SI_TKILL", HANDLER),
    "abort": ("SIGABRT SI_TKILL", HANDLER),
    "trap": ("SIGTRAP TRAP_BRKPT", HANDLER),
    "quit": ("SIGQUIT SI_TKILL", HANDLER),
    "loop": ("SIGABRT SI_USER", HANDLER),
    "other": ("SIGABRT SI_TKILL", HANDLER),
    "nested": ("SIGSEGV SEGV_MAPERR", HANDLER),
    "alt-raise": ("SIGSEGV SI_TKILL", RETURNED),
    "alt-kill": ("SIGSEGV SI_USER", RETURNED),
    "alt-abort": ("SIGABRT SI_TKILL", HANDLER),
    "alt-trap": ("SIGTRAP TRAP_BRKPT", HANDLER),
    "alt-nested": ("SIGSEGV SEGV_MAPERR", HANDLER),
    "thread-raise": ("SIGSEGV SI_TKILL", RETURNED),
    "thread-abort": ("SIGABRT SI_TKILL", HANDLER),
    "thread-other": ("SIGABRT SI_TKILL", HANDLER),
    "alt-thread-raise": ("SIGSEGV SI_TKILL", RETURNED),
    "alt-thread-abort": ("SIGABRT SI_TKILL", HANDLER),
    "plain-raise": ("SIGSEGV SI_TKILL", RETURNED),
    "plain-abort": ("SIGABRT SI_TKILL", HANDLER),
    "plain-trap": ("SIGTRAP TRAP_BRKPT", HANDLER),
    "plain-nested": ("SIGSEGV SEGV_MAPERR", HANDLER),
    "plain-alt-raise": ("SIGSEGV SI_TKILL", RETURNED),
    "plain-alt-thread-abort": ("SIGABRT SI_TKILL", HANDLER),
}
TO_ALL = "thread-kill"
BLAMELESS = ("handled", "jumped", "sent", "user", "plain-user")
FAULTS = {"store": "SEGV_MTESERR", "null": "SEGV_MAPERR", "text": "SEGV_ACCERR"}
ANY = ("raise", "alt-abort", "plain-raise", "plain-alt-abort")
ALONE = "/nonexistent"

Cores = dict[tuple[str, str], KernelCore]


@pytest.fixture(scope="module")
def cores(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> Cores:
    folder = tmp_path_factory.mktemp("handlers")
    asked = [("load", idiom) for idiom in (*IDIOMS, *BLAMELESS, TO_ALL)]
    asked += [(fault, idiom) for fault in FAULTS for idiom in ANY]
    return {
        words: produce(lab_vm, Case("handlers", words), folder / "-".join(words)) for words in asked
    }


def opened(core: KernelCore, sysroot: str = "/") -> Session:
    return Session(CoreTarget(core.core, sysroot=sysroot))


def killer(found: Death) -> str:
    return str(or_else(found.killer, found.fault.name))


@pytest.mark.parametrize("sysroot", ["/", ALONE])
@pytest.mark.parametrize("idiom", IDIOMS)
def test_the_fault_is_found(cores: Cores, idiom: str, sysroot: str) -> None:
    core = cores["load", idiom]
    session = opened(core, sysroot)
    found = death(session)
    assert (killer(found), found.found, found.certain) == (*IDIOMS[idiom], True)
    assert str(found.fault.name) == "SIGSEGV SEGV_MTESERR"
    assert found.fault.address == strip(core.fact("pointer"))
    assert found.fault.pointer == core.fact("pointer")
    assert cause(session).words.startswith(
        ("tag check fault (synchronous): load of 8 bytes at", f"thread {found.thread.number}: tag")
    )
    assert (found.thread == found.killed) is not idiom.endswith("other")


def test_a_signal_to_all_threads_is_taken_by_any(cores: Cores) -> None:
    core = cores["load", TO_ALL]
    found = death(opened(core))
    assert (killer(found), found.certain) == ("SIGSEGV SI_USER", True)
    assert found.found in (HANDLER, RETURNED)
    assert found.fault.pointer == core.fact("pointer")


@pytest.mark.parametrize("idiom", ANY)
@pytest.mark.parametrize("fault", FAULTS)
def test_any_fault_is_found(cores: Cores, fault: str, idiom: str) -> None:
    found = death(opened(cores[fault, idiom]))
    assert found.certain
    assert found.found is not SIGNAL
    assert present(found.fault.name)
    assert found.fault.name.code == FAULTS[fault]


@pytest.mark.parametrize("idiom", BLAMELESS)
def test_nothing_is_blamed_that_is_not_tied_to_the_death(cores: Cores, idiom: str) -> None:
    session = opened(cores["load", idiom])
    found = death(session)
    assert found.found is SIGNAL
    assert "tag check" not in cause(session).words
    handled = idiom in ("handled", "jumped")
    assert bool(earlier_faults(session)) is handled
    told = [one for one in cause(session).reasons if "nothing ties it to this" in one]
    assert bool(told) is handled
