"""What a worker may meet: found by its name in other processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mtedbg.model.triage import Read, Signature, TimeSource


def troubled(path: str) -> Read:
    """A file named "deadly" kills its reader; one named "endless" is never done."""
    name = Path(path).name
    if name.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("endless"):
        signal.pause()
    return Read(path, 1, 1, 1.0, TimeSource.FILE, Signature("read"))
