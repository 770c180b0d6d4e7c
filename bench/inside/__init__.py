"""What runs inside a debugger: each module has `measure(settings)`, whose value is printed."""

import json
import os
from importlib import import_module

_MARK = "bench-result:"


def run(subject: str) -> None:
    """Runs `bench.inside.SUBJECT` and prints what it measured, for `bench.lab` to read."""
    settings = json.loads(os.environ["MTEDBG_BENCH"])
    value = import_module(f"bench.inside.{subject}").measure(settings)
    print(f"{_MARK}{json.dumps(value)}", flush=True)
