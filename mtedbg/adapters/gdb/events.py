"""Handlers of GDB's events that do not take Ctrl-C from the program."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import gdb


def connect(registry: Any, hear: Callable[[], object]) -> None:
    """Has each event of a registry heard whole, and passes on a Ctrl-C that comes meanwhile.

    GDB prints whatever a handler raises and goes on, `KeyboardInterrupt` too: the Ctrl-C of a
    person who waits for a program that runs would be lost, and what the handler was to forget would
    be believed.

    Args:
        registry: of `gdb.events`, whose handlers get an event.
        hear: called again when it is interrupted.
    """
    listener = _listener(hear)
    next(listener)
    registry.connect(listener.send)


def _listener(hear: Callable[[], object]) -> Generator[None, object, None]:
    """Waits in a `try`: a Ctrl-C that comes before is raised at the first instruction of Python.

    That of a function cannot be in one.
    """
    heard, interrupted = True, False
    while True:
        try:
            if not heard:
                hear()
            heard = True
            if interrupted:
                gdb.post_event(_interrupt)
            interrupted = False
            yield
            heard = False
        except KeyboardInterrupt:
            heard, interrupted = False, True
        except Exception as error:
            heard = True
            gdb.write(f"mtedbg: {error}\n", gdb.STDERR)


def _interrupt() -> None:
    """As Ctrl-C; a program that has stopped is left alone."""
    # Not the inferior's threads: GDB would ask a server for them that does not answer meanwhile.
    thread = gdb.selected_thread()
    if thread is not None and thread.is_running():
        gdb.execute("interrupt")
