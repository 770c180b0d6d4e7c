"""lldb-server in the VM, reachable on the host's loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from mtedbg.lab import debuggers, gdbserver
from mtedbg.lab.vm import Vm

LIMIT_S = 120.0


@contextlib.contextmanager
def serve(vm: Vm, argv: Sequence[str]) -> Iterator[int]:
    """Starts `argv` under it, stopped before its first instruction; yields the port."""
    # Once it listens, it writes its port to a "pipe": here its standard error.
    where = ("--pipe", "2", f"0.0.0.0:{gdbserver.PORT}")
    vm.start(debuggers.lldb_server("gdbserver", *where, "--", *argv))
    try:
        vm.wait_for(str(gdbserver.PORT).encode(), timeout_s=LIMIT_S)
        yield vm.host_port(gdbserver.PORT)
    finally:
        vm.kill()
        vm.finish()
