"""A program under gdbserver in the VM, which stays up when the program is started again."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Sequence
from pathlib import Path

from mtedbg.errors import MtedbgError
from mtedbg.lab import gdbserver, paths
from mtedbg.lab.boot import RESERVED, boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from mtedbg.shell.debuggee import SHOW_FAULTS, Debuggee, how_ended
from mtedbg.shell.story import Story

CPUS = 2
FOR_EVER_S = 20 * 24 * 3600.0
"""The longest time-out of a socket."""

_ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}
# gdbserver's own words among the program's.
_SERVER = (b"Remote debugging from host ", b"GDBserver exiting", b"Child exited with status ")
_PATIENCE_S = 0.1


class VmProgram(Debuggee):
    """A program in the VM.

    Args:
        argv: an AArch64 program and its arguments.
        folders: of the host, which the VM sees under the names that they have here.
    """

    attaches = True
    settings = SHOW_FAULTS

    def __init__(self, argv: Sequence[str | Path], folders: Sequence[Path]) -> None:
        self.words = argv[:1]
        self.sysroot = paths.sysroot(Path(argv[0])) or Path("/")
        self._argv = [str(word) for word in argv]
        known = dict.fromkeys(str(folder) for folder in folders)
        self._shares = [Share(Path(name), name) for name in known if name not in RESERVED]
        self._booted = contextlib.ExitStack()
        self._vm: Vm | None = None
        self._watch: threading.Thread | None = None
        self._why = ""
        self._stopping = False

    def start(self) -> list[str]:
        """See `Debuggee`."""
        self._stop()
        vm = self._vm or self._boot()
        port = gdbserver.start(vm, self._argv, env=_ENVIRONMENT)
        vm.forward(self._wrote, self._warned)
        self._watch = threading.Thread(target=self._to_its_end, args=(vm,), daemon=True)
        self._watch.start()
        return [f"target remote 127.0.0.1:{port}"]

    def _boot(self) -> Vm:
        self._shut_down()
        options = MachineOptions(cpus=CPUS, ports=(gdbserver.PORT,))
        with Story().waiting("booting Linux with memory tagging"):
            started = boot(self._shares, options, paths.libraries(Path(self._argv[0])))
            self._vm = self._booted.enter_context(started)
        self.output, self._sink = os.pipe()
        self.end, self._ended = os.pipe()
        for end in (self.output, self._sink, self.end, self._ended):
            self._booted.callback(os.close, end)
            os.set_blocking(end, False)
        return self._vm

    def _wrote(self, data: bytes) -> None:
        """Passes on what the program wrote, no faster than it is read."""
        while data and not self._stopping:
            try:
                data = data[os.write(self._sink, data) :]
            except BlockingIOError:
                select.select([], [self._sink], [], _PATIENCE_S)

    def _warned(self, data: bytes) -> None:
        lines = data.splitlines(keepends=True)
        others = [line for line in lines if not line.startswith(_SERVER)]
        if len(others) < len(lines):  # it puts an empty line before some
            others = [line for line in others if line.strip()]
        self._wrote(b"".join(others))

    def _to_its_end(self, vm: Vm) -> None:
        try:
            result = vm.finish(timeout_s=FOR_EVER_S)
        except MtedbgError as error:
            self._why = error.message
            self._vm = None
        else:
            status = result.exit_status if result.signal is None else -result.signal
            self._why = f"gdbserver {how_ended(status or 0)}"
        os.write(self._ended, b".")

    def _stop(self) -> None:
        """Ends the program, if it runs."""
        if self._watch is None:
            return
        self._stopping = True
        if self._vm and not self._why:
            self._vm.kill()
        self._watch.join()
        assert self.end is not None
        os.read(self.end, 1)
        self._watch, self._why, self._stopping = None, "", False

    def why_ended(self) -> str:
        """See `Debuggee`."""
        return self._why

    def close(self) -> None:
        """See `Debuggee`."""
        self._stop()
        self._shut_down()

    def _shut_down(self) -> None:
        with contextlib.suppress(MtedbgError):  # it may be gone already
            self._booted.close()
        self._vm = self.output = self.end = None
