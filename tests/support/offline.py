"""What `mtedbg core` says: the answers without any debugger, for those of debuggers to match."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def offline(core: Path, program: Path | None, commands: Sequence[str]) -> list[Report]:
    """The reports of several commands on a core."""
    words = [sys.executable, "-m", "mtedbg", "core", str(core), "--json"]
    words += ["--exe", str(program)] if program else []
    for command in commands:
        words += ["-x", command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    reports: list[Report] = json.loads(done.stdout)["reports"]
    return reports


def comparable(report: Report) -> Report:
    """Without what differs by right: notes on how the file was read, and the debugger's names."""
    return {key: report[key] for key in ("command", "partial", "columns", "rows", "headline")}
