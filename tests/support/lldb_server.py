"""Runs inside LLDB: hands the lines of a socket to its command interpreter, one at a time.

In a thread of its own, as LLDB's own front ends do: nothing is nested in another command.
`MTEDBG_TEST_SOCKET` holds the number of the inherited socket. Not more than Python 3.11 knows.
"""

import json
import os
import socket
import threading

import lldb


def __lldb_init_module(debugger, _dictionary):  # type: ignore[no-untyped-def]
    connection = socket.socket(fileno=int(os.environ["MTEDBG_TEST_SOCKET"]))
    threading.Thread(target=_serve, args=(debugger, connection), daemon=True).start()


def _serve(debugger, connection):  # type: ignore[no-untyped-def]
    interpreter = debugger.GetCommandInterpreter()
    stream = connection.makefile("rw", encoding="utf-8", errors="surrogateescape")
    for line in stream:
        request = json.loads(line)
        debugger.SetAsync(not request["wait"])  # the driver changes it once it has started
        result = lldb.SBCommandReturnObject()
        interpreter.HandleCommand(request["command"], result, True)
        answer = {
            "succeeded": result.Succeeded(),
            "output": result.GetOutput(),
            "error": result.GetError(),
        }
        stream.write(json.dumps(answer) + "\n")
        stream.flush()
