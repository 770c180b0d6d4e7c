"""What all of it ran on, in one line."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.lab import GDB, LLDB


def _version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+(?:\.\d+)*", done.stdout)
    return found[0] if found else "?"


def describe() -> str:
    """Processor, memory, system, and the versions of what is measured."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    tools = {
        "GDB": _version(GDB, "--version"),
        "LLDB": _version(LLDB, "--version"),
        "QEMU": _version("qemu-system-aarch64", "--version"),
        "Python": platform.python_version(),
    }
    return ", ".join(
        [
            f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}",
            f"{int(memory[1]) >> 20} GiB" if memory else "",
            system,
            *(f"{name} {version}" for name, version in tools.items()),
        ]
    )
