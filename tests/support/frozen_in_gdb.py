"""Run inside GDB: what it says of core files, as JSON. FROZEN names a file with what is asked."""

import contextlib
import json
import os
import re
from pathlib import Path

import gdb

NAMES = [*(f"x{number}" for number in range(31)), "sp", "pc"]
SECTION = re.compile(r"^ \[\d+\]\s+0x(\w+)->0x(\w+) at 0x\w+: load(\d+)", re.M)


def number(expression):
    return int(gdb.parse_and_eval(expression))


def signal():
    """Number and code; None where the thread has none."""
    try:
        return [number("$_siginfo.si_signo"), number("$_siginfo.si_code")]
    except gdb.error:
        return None


def register(frame, name):
    return int(frame.read_register(name).cast(gdb.lookup_type("unsigned long")))


def tag(address):
    try:
        said = gdb.execute(f"memory-tag print-allocation-tag (char *){address}", to_string=True)
    except gdb.error:
        return None
    return int(said.split("=")[1], 16)


def answers(core, places):
    # Of a fault whose tag was cut off GDB 18 says so by an error, when all is read.
    with contextlib.suppress(gdb.error):
        gdb.execute(f"core-file {core}", to_string=True)
    threads = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        registers = {name: register(frame, name) for name in NAMES}
        threads[thread.ptid[1]] = {"registers": registers, "signal": signal()}
    regions = {}
    # A segment of which the file has a part is two sections, load1a and load1b.
    for start, end, of in SECTION.findall(gdb.execute("maintenance info sections", to_string=True)):
        regions[of] = [regions.get(of, [int(start, 16)])[0], int(end, 16)]
    return {
        "threads": threads,
        "regions": [*regions.values()],
        "tags": [tag(place) for place in places],
    }


asked = json.loads(Path(os.environ["FROZEN"]).read_text())
said = {core: answers(core, places) for core, places in asked.items()}
Path(os.environ["SAID"]).write_text(json.dumps(said))
