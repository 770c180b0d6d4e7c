"""The `qemu-system-aarch64` process: its command line, its start, and its end in every case."""

import contextlib
import re
import shutil
import socket
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError, ToolMissingError
from mtedbg.lab.image import VmImage

PROGRAM = "qemu-system-aarch64"
MONITOR_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 120.0
SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
"""System calls that QEMU is denied (seccomp, which Linux alone has): a VM that gets hold of it
starts nothing."""


@dataclass(frozen=True)
class Share:
    """A folder of the host that the VM sees.

    Args:
        host: the folder.
        guest: where it is in the VM, an absolute path.
        writable: whether the VM may change it. What it makes there are plain files of the user's,
            with mode 0600: modes, owners, links and devices are the VM's alone, kept in extended
            attributes.
        scratch: whether it is a folder of ours, in which a file next to each may keep them instead:
            not every file system has such attributes.
        in_use: whether somebody else may change it while the VM runs.
    """

    host: Path
    guest: str
    writable: bool = False
    scratch: bool = False
    in_use: bool = True


@dataclass(frozen=True)
class MachineOptions:
    """What the VM is like.

    Args:
        cpus: virtual CPUs, at least one; each costs some start-up time under emulation.
        memory_mib: memory in MiB, at least 256.
        ports: TCP ports in the VM that are to be reachable on the host's 127.0.0.1.
        plugin: of QEMU (its `-plugin`: a library and its arguments); none by default.
        answers_s: seconds that it may take to start, or to answer a request.
    """

    cpus: int = 1
    memory_mib: int = 1024
    ports: tuple[int, ...] = ()
    plugin: str = ""
    answers_s: float = ANSWER_TIMEOUT_S


class Machine:
    """A running VM. `close` ends it, whatever state it is in."""

    def __init__(
        self, image: VmImage, options: MachineOptions, shares: list[Share], logs: Path
    ) -> None:
        """Starts QEMU; the VM then boots by itself.

        Args:
            image: what it boots.
            options: what it is like.
            shares: folders of the host, tagged share0, share1 and so on.
            logs: a folder for what QEMU and the VM's console say.

        Raises:
            ToolMissingError: QEMU is not installed.
            LabError: an option makes no sense.
        """
        if options.cpus < 1 or options.memory_mib < 256:
            raise LabError("the VM needs at least one CPU and 256 MiB")
        program = shutil.which(PROGRAM)
        if program is None:
            raise ToolMissingError(f"{PROGRAM} is not on this machine", "run: mtedbg doctor")
        self._log, self._console = logs / "qemu.log", logs / "console.log"
        # Whatever fails below, what was opened before it is closed again.
        with contextlib.ExitStack() as opened:
            self.channel, channel = map(opened.enter_context, socket.socketpair())
            self._monitor, monitor = map(opened.enter_context, socket.socketpair())
            log = opened.enter_context(self._log.open("wb"))
            self._process = subprocess.Popen(
                [
                    *(program, *_arguments(image, options, shares)),
                    *("-serial", f"file:{self._console}"),
                    *("-chardev", f"socket,id=control,fd={channel.fileno()}"),
                    *("-chardev", f"socket,id=monitor,fd={monitor.fileno()}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(channel.fileno(), monitor.fileno()),
                start_new_session=True,  # Ctrl-C is for us; we end QEMU in order
            )
            self._opened = opened.pop_all()
        # QEMU has its own copies. While we held these, its end would go unnoticed.
        channel.close()
        monitor.close()

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        return self._process.pid

    def wait(self, timeout_s: float) -> None:
        """Waits until QEMU has ended by itself, or ends it after `timeout_s` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def close(self) -> None:
        """Ends QEMU, reaps it and gives everything back. May be called again."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._opened.close()

    def last_words(self) -> str:
        """Why QEMU or the kernel went away, as far as they said: one line."""
        for log in (self._log, self._console):
            text = log.read_text(errors="replace") if log.exists() else ""
            if lines := [line.strip() for line in text.splitlines() if line.strip()]:
                return lines[-1]
        return "neither QEMU nor the kernel said why"

    def host_port(self, port: int) -> int:
        """The port on 127.0.0.1 that leads to `port` in the VM.

        Raises:
            LabError: the VM was not started with that port.
        """
        found = re.search(rf"127\.0\.0\.1\s+(\d+)\s+\S+\s+{port}\s", self._forwards)
        if found is None:
            raise LabError(f"the VM was started without port {port}")
        return int(found.group(1))

    @cached_property
    def _forwards(self) -> str:
        """QEMU's own list of what it forwards; that does not change while it runs."""
        self._monitor.settimeout(MONITOR_TIMEOUT_S)
        self._monitor.sendall(b"info usernet\n")
        said = ""
        try:
            while said.count("(qemu)") < 2:
                said += self._monitor.recv(65536).decode(errors="replace")
        except TimeoutError as error:
            raise LabError("QEMU's monitor does not answer") from error
        return said


def _arguments(image: VmImage, options: MachineOptions, shares: list[Share]) -> list[str]:
    arguments = [
        *("-M", "virt,mte=on", "-cpu", "max,pauth-impdef=on"),
        *("-smp", str(options.cpus), "-m", f"{options.memory_mib}M"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initramfs)),
        *("-append", "console=ttyAMA0 loglevel=4 panic=-1 rdinit=/init"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *(("-sandbox", SANDBOX) if sys.platform == "linux" else ()),
        *("-mon", "chardev=monitor,mode=readline"),
        *("-device", "virtio-serial-pci,max_ports=2,romfile="),
        *("-device", "virtserialport,chardev=control,nr=1"),
    ]
    if options.plugin:
        arguments += ["-plugin", options.plugin]
    if options.ports:
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in options.ports)
        arguments += ["-netdev", f"user,id=net,restrict=on{forwards}"]
        arguments += ["-device", "virtio-net-pci,netdev=net,romfile="]
    for i, share in enumerate(shares):
        # Writable ones are mapped, lest a VM whose QEMU is root's makes devices or setuid programs.
        # Read-only ones are as they are: the links of a mapped folder can only be the VM's own.
        if share.writable:
            access = f"security_model={'mapped-file' if share.scratch else 'mapped-xattr'}"
        else:
            access = "security_model=none,readonly=on"
        path = str(share.host).replace(",", ",,")  # QEMU's way to write a comma
        arguments += [
            "-fsdev",
            f"local,id=share{i},path={path},{access},multidevs=remap",
            "-device",
            f"virtio-9p-pci,fsdev=share{i},mount_tag=share{i}",
        ]
    return arguments
