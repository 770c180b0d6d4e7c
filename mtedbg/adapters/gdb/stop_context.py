"""What a front end shows next to GDB's own output: it calls this once per stop.

`python from mtedbg.adapters.gdb import stop_context; stop_context.tell()`; and
`output.shown_by_front_end` says whether what it shows may be in colour.
"""

from __future__ import annotations

import json

import gdb

from mtedbg.adapters.gdb import output, sessions
from mtedbg.errors import MtedbgError
from mtedbg.reports.stop_context import SCHEMA, stop_context


def tell() -> None:
    """Prints, in one line of JSON, where the selected thread stands: see `reports.stop_context`.

    Where there is no such thing, the object has `error` instead, the error's two lines.
    """
    try:
        session = sessions.current()
        color = output.wants_color(from_tty=True)
        said = stop_context(session, session.current_thread(), color=color)
    except MtedbgError as error:
        said = {"schema": SCHEMA, "error": str(error)}
    except gdb.error as error:
        said = {"schema": SCHEMA, "error": f"GDB: {error}"}
    said["context"] = output.printable(said.get("context", ""))
    gdb.write(json.dumps(said) + "\n")
