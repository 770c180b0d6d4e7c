"""Boots a VM for the time of a `with` block."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from mtedbg.errors import LabError
from mtedbg.lab import paths, protocol
from mtedbg.lab.collect import clear
from mtedbg.lab.image import VmImage
from mtedbg.lab.machine import Machine, MachineOptions, Share
from mtedbg.lab.vm import Vm
from mtedbg.system import needs_unix

CONTROL = "/mtedbg"
LIBRARIES = "/usr/lib/aarch64-linux-gnu"
# Folders of the VM that a share must not cover.
RESERVED = frozenset(
    (
        *("/", "/bin", "/cores", "/dev", "/lib", "/modules", CONTROL, "/proc", "/sys"),
        *("/usr", "/usr/bin", "/usr/lib", LIBRARIES, "/lib/aarch64-linux-gnu"),
    )
)
# If no one else changes the files while the VM runs, it may cache them. In a folder in use, only
# mapped files are cached.
UNCHANGING, IN_USE = "cache=loose", "cache=mmap"


@contextlib.contextmanager
def boot(
    shares: Sequence[Share] = (),
    options: MachineOptions | None = None,
    libraries: Path | None = None,
    image: VmImage | None = None,
) -> Iterator[Vm]:
    """Boots a VM and ends it with the block, whatever happens in it.

    Args:
        shares: folders of the host that it sees.
        options: what it is like.
        libraries: the folder of AArch64 shared libraries; by default the machine's or mtedbg's.
        image: what is booted; the usual one by default.

    Raises:
        ToolMissingError: QEMU, the VM's kernel or the libraries are not there.
        LabError: the VM does not come up.
    """
    needs_unix("the Linux VM")
    options = options or MachineOptions()
    with tempfile.TemporaryDirectory(prefix="mtedbg-lab-") as name:
        exchange, spare = Path(name) / "exchange", Path(name) / "spare"
        cores = exchange / "cores"
        cores.mkdir(parents=True)
        spare.mkdir()
        system = [
            Share(exchange, CONTROL, writable=True, scratch=True),
            Share(libraries or paths.libraries(), LIBRARIES, in_use=False),
        ]
        everything = [*system, *shares]
        machine = Machine(image or paths.vm_image(), options, everything, logs=Path(name))
        try:
            vm = Vm(machine, cores, options.answers_s)
            _bring_up(vm, everything, options)
            yield vm
            vm.power_off()
        finally:
            machine.close()
            with contextlib.suppress(OSError):
                clear(exchange, spare)


def _bring_up(vm: Vm, shares: Sequence[Share], options: MachineOptions) -> None:
    try:
        vm.await_boot()
        for i, share in enumerate(shares):
            caching = IN_USE if share.in_use else UNCHANGING
            mount = f"trans=virtio,version=9p2000.L,msize=512000,{caching}"
            words = (f"share{i}", share.guest, mount)
            vm.ask(protocol.MOUNT, protocol.words(*map(os.fsencode, words)))
        if options.ports:
            vm.ask(protocol.NETWORK)
    except TimeoutError as error:
        raise LabError(
            f"the VM did not start within {options.answers_s:g} s", "is the machine very busy?"
        ) from error
