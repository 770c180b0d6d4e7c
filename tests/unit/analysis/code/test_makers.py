"""Executable memory that no JIT describes: who may have made it is said."""

from __future__ import annotations

import pytest

from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.makers import makers
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.code import Outcome
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.support.fake import FakeTarget

CODE = 0x7F0000000000


def session(*files: str, name: str = "") -> Session:
    """A process with these files, and with executable memory of no file."""
    regions = [
        Region(0x400000 + 0x10000 * at, 0x401000 + 0x10000 * at, "r-x", file, NOT_APPLICABLE)
        for at, file in enumerate(files)
    ]
    code = Region(CODE, CODE + 0x1000, "rwx", name, NOT_APPLICABLE)
    return Session(FakeTarget(mappings=[*regions, code]))


@pytest.mark.parametrize(
    ("file", "maker"),
    [
        ("/usr/bin/qemu-aarch64", "QEMU (qemu-aarch64)"),
        ("/usr/bin/qemu-system-x86_64", "QEMU (qemu-system-x86_64)"),
        ("/usr/lib/libruby-3.3.so.3.3.8", "Ruby (libruby-3.3.so.3.3.8)"),
        ("/usr/lib/dotnet/libclrjit.so", ".NET (libclrjit.so)"),
        ("/usr/lib/libguile-3.0.so.1.7.0", "Guile (libguile-3.0.so.1.7.0)"),
        ("/usr/bin/sbcl", "SBCL (sbcl)"),
        ("/usr/bin/tcc", "TCC (tcc)"),
    ],
)
def test_who_may_have_made_it_is_named(file: str, maker: str) -> None:
    place = code_at(session("/usr/lib/libc.so.6", file), CODE + 8)
    assert place.outcome is Outcome.CANNOT_TELL
    assert f"in the process, and known to make code: {maker}" in place.notes


@pytest.mark.parametrize(
    "file", ["/usr/bin/qemu-img", "/usr/bin/monodevelop", "/usr/bin/guild", "/usr/bin/cat"]
)
def test_others_are_not_suspected(file: str) -> None:
    assert makers(session(file)) == ()


def test_what_the_memory_is_called() -> None:
    place = code_at(session("/usr/bin/cat", name="/memfd:doublemapper (deleted)"), CODE)
    assert place.outcome is Outcome.CANNOT_TELL
    assert "the memory is called /memfd:doublemapper (deleted)" in place.notes
