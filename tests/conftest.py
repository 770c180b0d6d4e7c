"""Fixtures that more than one folder of tests uses; what they do is in `tests/support/`."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from mtedbg.lab import debuggers, gdbserver
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.support.compile import ROOT
from tests.support.cores import CASES, KernelCore, produce
from tests.support.order import longest_first

# A shell starts its background jobs with Ctrl-C ignored, and what is ignored stays so in children:
# programs that tests interrupt would not notice. A handler is not inherited, the default is.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says nothing beside another worker, QEMU and debuggers. What must be
# quick has a test of its own that says so.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the tests for a run with several workers."""
    items[:] = longest_first(items)


@pytest.fixture(scope="session")
def lab_vm() -> Iterator[Vm]:
    """The one VM of this test run: two CPUs, a port, its own debuggers; the checkout is in it."""
    options = MachineOptions(cpus=2, ports=(gdbserver.PORT,))
    with boot([Share(ROOT, str(ROOT)), debuggers.share()], options) as vm:
        yield vm


@pytest.fixture(scope="session")
def kernel_cores(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, KernelCore]:
    """A kernel core of every case in `tests/support/cores.py`, by name."""
    folder = tmp_path_factory.mktemp("cores")
    return {name: produce(lab_vm, case, folder / name) for name, case in CASES.items()}
