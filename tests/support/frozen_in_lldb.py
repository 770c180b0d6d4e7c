"""Run inside LLDB: what it says of core files, as JSON. FROZEN names a file with what is asked."""

import json
import os
import re
from pathlib import Path

import lldb

OURS = {"fp": "x29", "lr": "x30"}
GRANULE = 16


def registers(frame):
    return {
        OURS.get(value.GetName(), value.GetName()): value.GetValueAsUnsigned()
        for group in frame.GetRegisters()
        if "General" in group.GetName()
        for value in group
    }


def regions(process):
    found, one = [], lldb.SBMemoryRegionInfo()
    every = process.GetMemoryRegions()
    for number in range(every.GetSize()):
        every.GetMemoryRegionAtIndex(number, one)
        if one.IsMapped():
            modes = (one.IsReadable(), one.IsWritable(), one.IsExecutable())
            perms = "".join(letter if on else "-" for letter, on in zip("rwx", modes, strict=True))
            found.append([one.GetRegionBase(), one.GetRegionEnd(), perms])
    return found


def tag(debugger, process, address):
    result = lldb.SBCommandReturnObject()
    line = f"memory tag read {address} {address + GRANULE}"
    where = lldb.SBExecutionContext(process.GetSelectedThread())
    debugger.GetCommandInterpreter().HandleCommand(line, where, result)
    match = re.search(r"\): (0x[0-9a-f]+)", result.GetOutput() or "")
    return int(match[1], 16) if match else None


def answers(debugger, core, places):
    target = debugger.CreateTarget("")
    process = target.LoadCore(core)
    threads = {
        thread.GetThreadID(): {
            "registers": registers(thread.GetFrameAtIndex(0)),
            "signal": thread.GetStopReasonDataAtIndex(0),
            "said": thread.GetStopDescription(200),
        }
        for thread in process
    }
    found = {
        "threads": threads,
        "regions": regions(process),
        "tags": [tag(debugger, process, place) for place in places],
    }
    debugger.DeleteTarget(target)
    return found


def __lldb_init_module(debugger, _):
    asked = json.loads(Path(os.environ["FROZEN"]).read_text())
    said = {core: answers(debugger, core, places) for core, places in asked.items()}
    Path(os.environ["SAID"]).write_text(json.dumps(said))
