"""gdbserver in the VM, reachable on the host's loopback."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from mtedbg.lab.vm import Vm

PORT = 2345
PROGRAM = "/usr/bin/gdbserver"


def start(
    vm: Vm, argv: Sequence[str], *, cwd: str = "/", env: Mapping[str, str] | None = None
) -> int:
    """Starts `argv` under gdbserver, stopped before its first instruction.

    Args:
        vm: booted with `MachineOptions(ports=(gdbserver.PORT,))`.
        argv: the program's path in the VM and its arguments.
        cwd: its current folder in the VM.
        env: its whole environment; see `Vm.start`.

    Returns:
        The port on 127.0.0.1 at which it listens: it takes one debugger.

    Raises:
        LabError: the program cannot be started.
    """
    port = vm.host_port(PORT)
    # An address, not a name: there is no resolver in the VM. And no shell to start it with.
    where = f"0.0.0.0:{PORT}"
    vm.start([PROGRAM, "--no-startup-with-shell", "--once", where, *argv], cwd=cwd, env=env)
    vm.wait_for(b"Listening on port")
    return port


@contextlib.contextmanager
def serve(
    vm: Vm, argv: Sequence[str], *, cwd: str = "/", env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """`start` for the time of a `with` block; yields the port."""
    port = start(vm, argv, cwd=cwd, env=env)
    try:
        yield port
    finally:
        vm.kill()
        vm.finish()
