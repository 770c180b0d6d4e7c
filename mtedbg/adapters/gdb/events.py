"""Handlers of GDB's events that do not take Ctrl-C from the program."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import gdb


def uninterrupted(hear: Callable[[Any], object]) -> Callable[[Any], None]:
    """A handler that hears an event whole, and passes on a Ctrl-C that came meanwhile.

    GDB prints whatever a handler raises and goes on, `KeyboardInterrupt` too: the Ctrl-C of a
    person who waits for a program that runs would be lost, and what the handler was to forget would
    be believed.

    Args:
        hear: called again when it is interrupted.
    """

    @wraps(hear)
    def heard(event: Any = None) -> None:
        interrupted = False
        while True:
            try:
                hear(event)
                break
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            gdb.post_event(_interrupt)

    return heard


def _interrupt() -> None:
    """As Ctrl-C; a program that has stopped is left alone."""
    # Not the inferior's threads: GDB would ask a server for them that does not answer meanwhile.
    thread = gdb.selected_thread()
    if thread is not None and thread.is_running():
        gdb.execute("interrupt")
