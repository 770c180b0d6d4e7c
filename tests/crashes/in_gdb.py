"""Run inside GDB: `gdb -batch -x in_gdb.py`. The calls of every core that MTEDBG_CORES lists.

The list has a line `CORE<tab>EXECUTABLE` each, with an empty EXECUTABLE where there is none; a line
of JSON is printed for each: the threads, the one that died first, and their frames.
"""

import json
import os
from pathlib import Path

import gdb

MOST_FRAMES = 64


def frames_of(thread):
    thread.switch()
    frame = gdb.newest_frame()
    found = []
    while frame is not None and len(found) < MOST_FRAMES:
        where = frame.find_sal()
        found.append(
            {
                "pc": frame.pc(),
                "function": frame.name(),
                "file": Path(where.symtab.filename).name if where.symtab else None,
                "line": where.line if where.symtab else None,
                "inlined": frame.type() == gdb.INLINE_FRAME,
                "signal": frame.type() == gdb.SIGTRAMP_FRAME,
            }
        )
        try:
            frame = frame.older()
        except gdb.error:
            break
    return {"thread": thread.ptid[1] or thread.ptid[0], "frames": found}


def calls(core, executable):
    gdb.execute("file " + executable, to_string=True)
    folder = str(Path(core).parent)
    gdb.execute("set solib-search-path " + (folder if executable else ""), to_string=True)
    gdb.execute("core-file " + core, to_string=True)
    current = gdb.selected_thread()
    threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread != current)
    return [frames_of(thread) for thread in threads]


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set backtrace past-main on")
for line in Path(os.environ["MTEDBG_CORES"]).read_text().splitlines():
    core, executable = line.split("\t")
    try:
        answer = calls(core, executable)
    except gdb.error as error:
        answer = {"error": str(error)}
    gdb.write("calls " + json.dumps(answer) + "\n")
    gdb.execute("core-file", to_string=True)
