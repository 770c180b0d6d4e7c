"""`mtedbg doctor`: what is here, what is missing, and the command that fixes it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from mtedbg import __version__
from mtedbg.dataclass import dataclass
from mtedbg.errors import ToolMissingError
from mtedbg.lab import apt, native, paths, requirements
from mtedbg.render import clean

HELP = "check what mtedbg needs on this machine"
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        what: what was looked for.
        found: its version or place; empty if it is missing.
        fix: the command that installs it.
        optional: whether mtedbg does its main work without it.
    """

    what: str
    found: str
    fix: str
    optional: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This subcommand has no options."""


def run(_arguments: argparse.Namespace) -> int:
    """Prints what is here and what is not; 1 if something needed is missing."""
    python = sys.version.split()[0]
    print(clean(f"mtedbg {__version__}, Python {python}, {paths.PACKAGE}"))
    lacking = False
    if native.has_mte():
        print("  ok       memory tagging           this machine's own: QEMU is not needed")
    for finding in _findings():
        if finding.found:
            print(clean(f"  ok       {finding.what:24} {finding.found}"))
            continue
        lacking = lacking or not finding.optional
        state = "optional" if finding.optional else "MISSING "
        print(clean(f"  {state} {finding.what:24} {finding.fix}"))
    if lacking and paths.in_checkout() and not apt.on_debian():
        print(f"this checkout is built on Debian; in a container: {requirements.CONTAINER}")
    return 1 if lacking else 0


def _findings() -> Iterator[Finding]:
    needed = requirements.EVERYTHING if paths.in_checkout() else requirements.TO_RUN
    for requirement in needed:
        found = requirement.find()
        fix = "" if found else requirements.fix(requirement)
        optional = requirements.is_optional(requirement)
        yield Finding(requirement.what, found or "", fix, optional=optional)
    pip = f"{sys.executable} -P -m pip install"  # -P: not a pip.py of the current folder
    for name in distributions():
        yield Finding(f"Python's {name}", _version(name), f"{pip} {name}")
    yield _included("runtime", paths.runtime)
    yield _included("guest programs", paths.guests)
    yield _included("kernel of the VM", lambda: paths.vm_image().kernel)
    yield _included("AArch64 libraries", paths.libraries)
    lldb = requirements.find_lldb()
    oldest = requirements.LLDB_MINIMUM[0]
    yield Finding(f"LLDB {oldest}", str(lldb or ""), f"{pip} lldb-for-pwndbg", optional=True)


def distributions() -> list[str]:
    """What pip installs with mtedbg, by its own metadata; nothing where pip did not install it."""
    try:
        required = requires("mtedbg") or []
    except PackageNotFoundError:
        return []
    names = (_NAME.match(one) for one in required if "extra ==" not in one)
    return [name[0] for name in names if name]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _included(what: str, find: Callable[[], Path]) -> Finding:
    try:
        return Finding(what, str(find()), "")
    except ToolMissingError as error:
        return Finding(what, "", error.next_step)
