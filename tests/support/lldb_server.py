"""Runs inside LLDB: hands the lines of a socket to its command interpreter, one at a time.

In a thread of its own, as LLDB's own front ends do: nothing is nested in another command.
`MTEDBG_TEST_SOCKET` holds the number of the inherited socket. Not more than Python 3.11 knows.
"""

import json
import os
import socket
import threading
import time

import lldb

BEGIN_S = 60.0


def __lldb_init_module(debugger, _dictionary):  # type: ignore[no-untyped-def]
    connection = socket.socket(fileno=int(os.environ["MTEDBG_TEST_SOCKET"]))
    threading.Thread(target=_serve, args=(debugger, connection), daemon=True).start()


def _serve(debugger, connection):  # type: ignore[no-untyped-def]
    interpreter = debugger.GetCommandInterpreter()
    stream = connection.makefile("rw", encoding="utf-8", errors="surrogateescape")
    _let_the_driver_start(debugger)
    for line in stream:
        request = json.loads(line)
        debugger.SetAsync(not request["wait"])
        result = lldb.SBCommandReturnObject()
        interpreter.HandleCommand(request["command"], result, True)
        if not request["wait"]:
            _let_it_begin(debugger.GetSelectedTarget().GetProcess())
        answer = {
            "succeeded": result.Succeeded(),
            "output": result.GetOutput(),
            "error": result.GetError(),
        }
        stream.write(json.dumps(answer) + "\n")
        stream.flush()


def _let_the_driver_start(debugger):  # type: ignore[no-untyped-def]
    """Waits until the driver has made commands asynchronous, which it does once, when it starts.

    After that they are what each request wants. LLDB sends no event of it.
    """
    _wait_until(debugger.GetAsync)


def _let_it_begin(process):  # type: ignore[no-untyped-def]
    """Waits until a process runs for the driver too: it takes the event in a thread of its own.

    Asked again and again, since an event of a process goes to one listener, the driver's.
    """
    _wait_until(lambda: process.GetState() != lldb.eStateStopped)


def _wait_until(done):  # type: ignore[no-untyped-def]
    end = time.monotonic() + BEGIN_S
    while not done() and time.monotonic() < end:
        time.sleep(0.005)
