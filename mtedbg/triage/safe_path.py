"""Keeps the Python processes that are started for triage from running files of the current folder.

multiprocessing starts its helpers with `python -c`, and so with the current folder first on the
path: a `selectors.py` next to the cores would be run. Source: Python's documentation of -P and
PYTHONSAFEPATH; multiprocessing/forkserver.py and resource_tracker.py.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """For as long as it is entered, new Python processes import from where this one does alone."""
    # Our own path in full: what this process found by the way it was started, they find as well.
    ours = [path for path in sys.path if os.path.isabs(path)]  # noqa: PTH117 - a name
    wanted = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(ours)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
