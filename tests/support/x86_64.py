"""x86-64 processors, whose answers are right for guests: this machine's, or QEMU's user mode."""

from __future__ import annotations

import platform
import shutil

import pytest


def is_native() -> bool:
    """Whether this machine's processor is one, and its libraries are for it."""
    return platform.machine() == "x86_64"


def only_natively(reason: str) -> pytest.MarkDecorator:
    """A mark for tests that no other machine can run."""
    return pytest.mark.skipif(not is_native(), reason=reason)


def runner() -> list[str]:
    """The words before those of a program that is linked statically."""
    return [] if is_native() else ["qemu-x86_64"]


def compiler() -> str:
    """The machine's gcc for x86-64."""
    return shutil.which("x86_64-linux-gnu-gcc") or "gcc"
