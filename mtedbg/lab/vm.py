"""Runs AArch64 programs in a Linux VM with memory tagging, and brings their core files back."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtedbg.errors import LabError
from mtedbg.lab import paths, protocol
from mtedbg.lab.machine import Machine, MachineOptions, Share

CONTROL = "/mtedbg"
BOOT_TIMEOUT_S = 120.0
LIBRARIES = "/usr/lib/aarch64-linux-gnu"
# A private copy in the page cache is right for what nobody changes while the VM runs; for a folder
# in use, only mappings are cached.
UNCHANGING, IN_USE = "cache=loose", "cache=mmap"


@dataclass(frozen=True)
class LabResult:
    """How a program in the VM ended.

    Args:
        exit_status: its exit status, or None if a signal killed it.
        signal: the signal that killed it, or None.
        stdout: what it wrote, whole.
        stderr: likewise.
        cores: the core files it left, moved to where the caller wanted them.
    """

    exit_status: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    cores: list[Path]

    def shell_status(self) -> int:
        """The exit status as a shell has it: 128 + signal for a killed program."""
        return self.exit_status if self.exit_status is not None else 128 + (self.signal or 0)


Sink = Callable[[bytes], object]


class Vm:
    """A booted VM: any number of programs, one after the other. Made by `boot`."""

    def __init__(self, machine: Machine, cores: Path) -> None:
        self._machine = machine
        self._cores = cores
        self._splitter = protocol.Splitter()
        self._frames: list[tuple[bytes, bytes]] = []
        self.kernel = ""

    def await_boot(self) -> None:
        """Waits until the VM's init is ready.

        Raises:
            LabError: QEMU or the kernel gave up, or the CPU has no memory tagging.
        """
        kind, payload = self._next(time.monotonic() + BOOT_TIMEOUT_S)
        if kind != protocol.READY:
            raise LabError("the VM's init is of another version", "run: scripts/setup")
        self.kernel, mte = payload.decode(errors="replace").split()
        if mte != "1":
            raise LabError(
                "the VM's CPU has no memory tagging", "install QEMU 9.1 or newer: mtedbg doctor"
            )

    def ask(self, kind: bytes, payload: bytes = b"") -> None:
        """Sends a request that is answered by done or failed.

        Raises:
            LabError: it failed.
        """
        self._send(kind, payload)
        answer, text = self._next(time.monotonic() + BOOT_TIMEOUT_S)
        if answer != protocol.DONE:
            raise LabError(f"in the VM: {text.decode(errors='replace')}")

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        cores_to: Path | None = None,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> LabResult:
        """Runs one program to its end.

        Args:
            argv: the program's path in the VM and its arguments, passed on exactly.
            cwd: its current folder in the VM.
            env: its whole environment; a plain PATH and HOME by default.
            timeout_s: seconds after which it is killed.
            cores_to: where its core files go; they are dropped if not given.
            on_stdout: called with what it writes, as it comes.
            on_stderr: likewise.

        Raises:
            LabError: it cannot be started, takes too long, or the VM went away.
        """
        self.start(argv, cwd=cwd, env=env)
        return self.finish(
            timeout_s=timeout_s, cores_to=cores_to, on_stdout=on_stdout, on_stderr=on_stderr
        )

    def start(
        self, argv: Sequence[str], *, cwd: str = "/", env: Mapping[str, str] | None = None
    ) -> None:
        """Starts a program without waiting for it: follow with `finish`."""
        env = env if env is not None else {"PATH": "/usr/bin", "HOME": "/root"}
        variables = [f"{name}={value}" for name, value in env.items()]
        parts = [cwd, str(len(argv)), *argv, *variables]
        self._send(protocol.JOB, protocol.words(*map(os.fsencode, parts)))

    def wait_for(self, text: bytes, *, timeout_s: float = 60.0) -> None:
        """Waits until the program started last has written `text` to its standard error.

        Raises:
            LabError: it ended, or time was up, before that.
        """
        seen = b""
        deadline = time.monotonic() + timeout_s
        while text not in seen:
            kind, payload = self._next(deadline)
            seen += payload if kind == protocol.STDERR else b""
            if kind in (protocol.EXIT, protocol.FAILED):
                said = seen.decode(errors="replace").strip() or payload.decode(errors="replace")
                raise LabError(f"the program in the VM ended too early: {said}")

    def kill(self, signal: int) -> None:
        """Sends `signal` to the program that is running and to its children."""
        self._send(protocol.KILL, str(signal).encode())

    def finish(
        self,
        *,
        timeout_s: float = 60.0,
        cores_to: Path | None = None,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> LabResult:
        """Waits for the program that was started last; see `run`."""
        written = {protocol.STDOUT: b"", protocol.STDERR: b""}
        sinks = {protocol.STDOUT: on_stdout, protocol.STDERR: on_stderr}
        deadline = time.monotonic() + timeout_s
        while True:
            kind, payload = self._next(deadline, f"the program ran for more than {timeout_s:g} s")
            if kind == protocol.FAILED:
                raise LabError(f"in the VM: {payload.decode(errors='replace')}")
            if kind == protocol.EXIT:
                break
            written[kind] += payload
            if sink := sinks[kind]:
                sink(payload)
        how, number, _ = payload.decode().split()
        return LabResult(
            exit_status=int(number) if how == "exit" else None,
            signal=int(number) if how == "signal" else None,
            stdout=written[protocol.STDOUT],
            stderr=written[protocol.STDERR],
            cores=self._take_cores(cores_to),
        )

    def host_port(self, port: int) -> int:
        """The port on 127.0.0.1 that leads to `port` in the VM; see `MachineOptions.ports`."""
        return self._machine.host_port(port)

    def power_off(self) -> None:
        """Lets the VM write everything out and end."""
        self._send(protocol.OFF)
        self._machine.wait(10.0)

    def _take_cores(self, to: Path | None) -> list[Path]:
        taken = []
        for core in sorted(self._cores.iterdir()):
            if to is None:
                core.unlink()
                continue
            final = to / core.name
            shutil.move(core, final)
            taken.append(final)
        return taken

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        try:
            self._machine.channel.settimeout(BOOT_TIMEOUT_S)
            self._machine.channel.sendall(protocol.frame(kind, payload))
        except OSError as error:
            raise self._gone() from error

    def _next(self, deadline: float, late: str = "the VM does not answer") -> tuple[bytes, bytes]:
        while not self._frames:
            self._machine.channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self._machine.channel.recv(1 << 20)
            except TimeoutError as error:
                raise LabError(late, "give it more time: --timeout SECONDS") from error
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._frames.extend(self._splitter.feed(data))
        return self._frames.pop(0)

    def _gone(self) -> LabError:
        self._machine.wait(5.0)
        return LabError(f"the VM went away: {self._machine.last_words()}")


@contextlib.contextmanager
def boot(shares: Sequence[Share] = (), options: MachineOptions | None = None) -> Iterator[Vm]:
    """Boots a VM for the time of a `with` block.

    The AArch64 libraries of the host (or the ones that came with mtedbg) are where the VM's
    programs look for them.

    Raises:
        ToolMissingError: QEMU or the VM's kernel is not there.
        LabError: the VM does not come up.
    """
    options = options or MachineOptions()
    image = paths.vm_image()
    with tempfile.TemporaryDirectory(prefix="mtedbg-lab-") as name:
        cores = Path(name) / "cores"
        cores.mkdir()
        control = Share(Path(name), CONTROL, writable=True)
        all_shares = [control, Share(paths.libraries(), LIBRARIES), *shares]
        machine = Machine(image, options, all_shares)
        try:
            vm = Vm(machine, cores)
            vm.await_boot()
            for i, share in enumerate(all_shares):
                caching = IN_USE if share.writable and share is not control else UNCHANGING
                mount = f"trans=virtio,version=9p2000.L,msize=512000,{caching}"
                vm.ask(
                    protocol.MOUNT,
                    protocol.words(f"share{i}".encode(), os.fsencode(share.guest), mount.encode()),
                )
            if options.ports:
                vm.ask(protocol.NETWORK)
            yield vm
            vm.power_off()
        finally:
            machine.close()
