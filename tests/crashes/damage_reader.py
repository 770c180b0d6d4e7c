"""`python -m tests.crashes.damage_reader SECONDS`: post-mortems of many cores.

Standard input names them. For each it prints a line of JSON. One that takes longer than SECONDS
ends the process, which shows where it was.
"""

import contextlib
import faulthandler
import io
import json
import resource
import sys
import time
import traceback

from mtedbg.cli import main


def read(core: str) -> dict[str, object]:
    """Shows one as a user does."""
    said, errors = io.StringIO(), io.StringIO()
    start = time.perf_counter()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        try:
            status = main(["core", core])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 2
        except BaseException:
            traceback.print_exc()
            status = 99
    return {
        "core": core,
        "status": status,
        "seconds": time.perf_counter() - start,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "errors": errors.getvalue() or ("" if said.getvalue() or status else "said nothing"),
    }


if __name__ == "__main__":
    for line in sys.stdin:
        faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)
        print(json.dumps(read(line.strip())), flush=True)
        faulthandler.cancel_dump_traceback_later()
