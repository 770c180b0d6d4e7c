"""Frames that LLDB finds, but not the registers of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import cases as cores
from tests.support.lldb_session import LLDBS, lldb


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_register_that_a_frame_does_not_have_is_refused_by_name(
    flavour: str, tmp_path: Path
) -> None:
    """Of the runtime's frames LLDB knows no more than where they return to."""
    with lldb(flavour, ["-c", cores.unpacked("runtime-threads", tmp_path)]) as session:
        session.execute("up")
        assert session.error("mte-tags $sp").splitlines() == [
            "$sp is not available in this frame: LLDB has not found where it was saved",
            "select the frame that the thread stopped in: frame select 0",
        ]
        assert session.error("mte-tags $nosuch").startswith("no register $nosuch here")
        session.execute("frame select 0")
        assert "not tagged memory" in session.execute("mte-tags $sp")
