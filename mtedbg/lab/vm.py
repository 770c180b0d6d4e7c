"""A booted VM: any number of AArch64 programs, one after the other, and their core files."""

import os
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError
from mtedbg.lab import protocol
from mtedbg.lab.collect import take_cores
from mtedbg.lab.machine import ANSWER_TIMEOUT_S, Machine

KILLED_TIMEOUT_S = 20.0
MAX_OUTPUT = 64 << 20
SIGKILL = 9
_END = re.compile(rb"(exit|signal) ([0-9]{1,3}) ([01])")

Sink = Callable[[bytes], object]


@dataclass(frozen=True)
class LabResult:
    """How a program in the VM ended.

    Args:
        exit_status: its exit status, or None if a signal killed it.
        signal: the signal that killed it, or None.
        stdout: what it wrote to standard output that no sink took.
        stderr: the same, of standard error.
        cores: the core files it left, moved to where the caller wanted them.
        core_is_whole: whether the kernel wrote all of the program's core.
        left_out: how many other files it left where core files go.
    """

    exit_status: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    cores: list[Path]
    core_is_whole: bool
    left_out: int = 0

    def shell_status(self) -> int:
        """The exit status as a shell has it: 128 + signal for a killed program."""
        return self.exit_status if self.exit_status is not None else 128 + (self.signal or 0)


class Vm:
    """A VM that is up. `mtedbg.lab.boot` makes one.

    Args:
        machine: its QEMU.
        cores: the host's side of the folder into which the VM's kernel writes core files.
        answers_s: seconds that it may take to start, or to answer a request.
    """

    def __init__(self, machine: Machine, cores: Path, answers_s: float = ANSWER_TIMEOUT_S) -> None:
        self.kernel = ""
        self._answers_s = answers_s
        self._machine = machine
        self._cores = cores
        self._splitter = protocol.Splitter()
        self._frames: deque[tuple[bytes, bytes]] = deque()
        self._written = {protocol.STDOUT: bytearray(), protocol.STDERR: bytearray()}
        self._sinks: dict[bytes, Sink | None] = {}
        self._end: bytes | None = None

    @property
    def pid(self) -> int:
        """The process id of its QEMU."""
        return self._machine.pid

    def await_boot(self) -> None:
        """Waits until the VM's init is ready.

        Raises:
            LabError: QEMU or the kernel gave up, or the CPU has no memory tagging.
        """
        kind, payload = self._next(time.monotonic() + self._answers_s)
        if kind != protocol.READY:
            raise LabError("the VM's init has another version", "run: scripts/setup")
        self.kernel, _, mte = payload.decode(errors="replace").partition(" ")
        if mte != "1":
            raise LabError("the VM's CPU has no memory tagging", "QEMU is too old: mtedbg doctor")

    def ask(self, kind: bytes, payload: bytes = b"") -> None:
        """Sends a request that is answered by done or failed.

        Raises:
            LabError: it failed.
        """
        self._send(kind, payload)
        answer, text = self._next(time.monotonic() + self._answers_s)
        if answer != protocol.DONE:
            raise LabError(f"in the VM: {text.decode(errors='replace')}")

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> None:
        """Starts one program; follow with `finish`.

        Args:
            argv: the program's path in the VM and its arguments, passed on exactly.
            cwd: its current folder in the VM.
            env: its whole environment; a plain PATH and HOME by default.
            on_stdout: called with what it writes, as it comes; kept for `LabResult` otherwise.
            on_stderr: the same for standard error.

        Raises:
            LabError: the request is too long, or the VM went away.
        """
        env = env if env is not None else {"PATH": "/usr/bin", "HOME": "/root"}
        variables = [f"{name}={value}" for name, value in env.items()]
        parts = [cwd, str(len(argv)), *argv, *variables]
        self._written = {protocol.STDOUT: bytearray(), protocol.STDERR: bytearray()}
        self._sinks = {protocol.STDOUT: on_stdout, protocol.STDERR: on_stderr}
        self._end = None
        self._send(protocol.JOB, protocol.words(*map(os.fsencode, parts)))

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        cores_to: Path | None = None,
    ) -> LabResult:
        """Runs one program to its end: `start` and `finish`."""
        self.start(argv, cwd=cwd, env=env)
        return self.finish(timeout_s=timeout_s, cores_to=cores_to)

    def wait_for(self, text: bytes, *, timeout_s: float = 60.0) -> None:
        """Waits until the running program has written `text` to its standard error.

        Raises:
            LabError: it ended, or time was up, before that.
        """
        deadline = time.monotonic() + timeout_s
        stderr = self._written[protocol.STDERR]
        try:
            while text not in stderr:
                if (end := self._output_or_end(deadline)) is not None:
                    said = bytes(stderr or end).decode(errors="replace").strip()
                    raise LabError(f"the program in the VM ended: {said}")
        except TimeoutError as error:
            raise LabError(f"the program in the VM did nothing for {timeout_s:g} s") from error

    def forward(self, on_stdout: Sink, on_stderr: Sink) -> None:
        """Gives the sinks what the running program writes from now on, instead of keeping it."""
        self._sinks = {protocol.STDOUT: on_stdout, protocol.STDERR: on_stderr}

    def kill(self, signal: int = SIGKILL) -> None:
        """Sends `signal` to the running program and its children."""
        self._send(protocol.KILL, str(signal).encode())

    def ends_within(self, timeout_s: float) -> bool:
        """Waits for the end of the program that was started last, for so many seconds.

        Returns: whether it has ended; `finish` says how.

        Raises:
            LabError: the VM went away.
        """
        try:
            self._await_end(time.monotonic() + timeout_s)
        except TimeoutError:
            return False
        return True

    def finish(self, *, timeout_s: float = 60.0, cores_to: Path | None = None) -> LabResult:
        """Waits for the end of the program that was started last.

        Args:
            timeout_s: seconds after which it is killed.
            cores_to: the folder its core files go to; they are dropped if there is none.

        Raises:
            LabError: it took too long, could not be started, or the VM went away.
        """
        try:
            end = self._await_end(time.monotonic() + timeout_s)
        except TimeoutError as error:
            self._kill_at_last()
            raise LabError(
                f"the program ran for more than {timeout_s:g} s and was killed",
                "give it more time: --timeout SECONDS",
            ) from error
        ended = _END.fullmatch(end)
        if ended is None:  # a program that is root there can be the one that says it
            raise LabError("the VM does not say how the program ended")
        how, number, dumped = ended[1], int(ended[2]), ended[3]
        taken = take_cores(self._cores, cores_to)
        return LabResult(
            exit_status=number if how == b"exit" else None,
            signal=number if how == b"signal" else None,
            stdout=bytes(self._written[protocol.STDOUT]),
            stderr=bytes(self._written[protocol.STDERR]),
            cores=taken.cores,
            core_is_whole=dumped == b"1",
            left_out=taken.left_out,
        )

    def _kill_at_last(self) -> None:
        """Kills the program that is out of time.

        Raises:
            LabError: the VM does not say that it ended.
        """
        self.kill()
        try:
            self._await_end(time.monotonic() + KILLED_TIMEOUT_S)
        except TimeoutError:
            raise LabError("the program cannot be killed: the VM does not answer") from None

    def host_port(self, port: int) -> int:
        """The port on 127.0.0.1 that leads to `port` in the VM; see `MachineOptions.ports`."""
        return self._machine.host_port(port)

    def power_off(self) -> None:
        """Lets the VM write everything out and end."""
        self._send(protocol.OFF)
        self._machine.wait(KILLED_TIMEOUT_S)

    def _await_end(self, deadline: float) -> bytes:
        while self._end is None:
            self._end = self._output_or_end(deadline)
        return self._end

    def _output_or_end(self, deadline: float) -> bytes | None:
        """Takes in one piece of output, or returns how the program ended."""
        kind, payload = self._next(deadline)
        if kind == protocol.FAILED:
            raise LabError(f"in the VM: {payload.decode(errors='replace')}")
        if kind == protocol.EXIT:
            return payload
        if kind not in self._written:
            raise LabError("the VM's init sent a frame that nobody asked for")
        if sink := self._sinks.get(kind):
            sink(payload)
        else:
            self._written[kind] += payload
            if len(self._written[kind]) > MAX_OUTPUT:
                raise LabError(f"the program wrote more than {MAX_OUTPUT >> 20} MiB")
        return None

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        try:
            self._machine.channel.settimeout(self._answers_s)
            self._machine.channel.sendall(protocol.frame(kind, payload))
        except OSError as error:
            raise self._gone() from error

    def _next(self, deadline: float) -> tuple[bytes, bytes]:
        """The next frame.

        Raises:
            TimeoutError: none came before `deadline`.
            LabError: the VM went away.
        """
        while not self._frames:
            self._machine.channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self._machine.channel.recv(1 << 20)
            except ConnectionError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._frames.extend(self._splitter.feed(data))
        return self._frames.popleft()

    def _gone(self) -> LabError:
        self._machine.wait(5.0)
        return LabError(f"the VM ended: {self._machine.last_words()}", "run: mtedbg doctor")
