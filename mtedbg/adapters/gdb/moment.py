"""What a front end shows beside GDB's own output: it calls this once a stop.

`python from mtedbg.adapters.gdb import moment; moment.tell()`; and `output.shown_by_front_end` says
whether what it shows may be in colour.
"""

from __future__ import annotations

import json

import gdb

from mtedbg.adapters.gdb import output, sessions
from mtedbg.errors import MtedbgError
from mtedbg.reports.stop_context import SCHEMA, moment


def tell() -> None:
    """Prints, in one line of JSON, where the selected thread stands: see `commands._moment`.

    Where there is no such thing, the object has `error` instead, the error's two lines.
    """
    try:
        told = moment(sessions.current(), color=output.wants_color(from_tty=True))
    except MtedbgError as error:
        told = {"schema": SCHEMA, "error": str(error)}
    except gdb.error as error:
        told = {"schema": SCHEMA, "error": f"GDB: {error}"}
    told["context"] = output.printable(told.get("context", ""))
    gdb.write(json.dumps(told) + "\n")
