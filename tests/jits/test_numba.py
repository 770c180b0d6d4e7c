"""numba from PyPI: what it compiles is named, in a function that dies in its own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.model.absent import present
from mtedbg.session import Session
from tests.support import answers
from tests.support.jit_packages import python

pytestmark = pytest.mark.jits
SECONDS = 1500
"""numba's own start is most of it."""


def test_functions_that_numba_compiled(tmp_path: Path) -> None:
    session = Session(CoreTarget(str(python("numba_fault.py", tmp_path, seconds=SECONDS).core)))
    (found,) = answers.ask(session, "jit-block").rows
    assert found["source"] == "GDB JIT interface"
    # LLVM makes one function of both. Its name is a C++ one with what numba adds, demangled.
    assert found["function"].startswith("__main__::outer")
    calls = host_calls(session, session.current_thread())
    assert present(calls)
    names = [frame.function for frame in calls.frames]
    assert names[0].startswith("__main__::outer")
    assert names[1].startswith("cpython::__main__::outer")
