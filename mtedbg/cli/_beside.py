"""Scripts beside an object, which load mtedbg with it: for libraries that have a debug root.

GDB runs OBJECT-gdb.py when it reads OBJECT, if the folder is in `auto-load safe-path` (GDB manual,
"objfile-gdbdotext file"). LLDB reads such a script from OBJECT.dSYM alone, macOS' folder of debug
information, if `target.load-script-from-symbol-file` allows it; elsewhere it has to be imported.
Both were tried with GDB 13 and 18, LLDB 19 and 23.
"""

from __future__ import annotations

import re
from pathlib import Path

from mtedbg.errors import UsageError
from mtedbg.report import Document

_GDB = '''\
"""Loads mtedbg with {name}. GDB runs this file if its folder is in `auto-load safe-path`."""


def _load():
    import os
    import sys

    import gdb

    if "mtedbg.adapters.gdb" in sys.modules:
        return
    file = {loaded!r}
    if os.path.exists(file):
        gdb.execute("source " + file)
        return
    try:  # it may be installed for GDB's own Python
        from mtedbg.adapters.gdb import install
    except ImportError:
        gdb.write("{name} can be looked into with mtedbg: pip install mtedbg\\n")
        return
    install()


_load()
del _load
'''
_LLDB = '''\
"""Loads mtedbg with {name}: `command script import` this file."""


def __lldb_init_module(debugger, names):
    import os
    import sys

    if "mtedbg.adapters.lldb" in sys.modules:
        return
    file = {loaded!r}
    if os.path.exists(file):
        debugger.HandleCommand('command script import "' + file + '"')
        return
    try:  # it may be installed for LLDB's own Python
        from mtedbg.adapters.lldb import install
    except ImportError:
        print("{name} can be looked into with mtedbg: pip install mtedbg")
        return
    install(debugger, names)
'''


def script(object_file: Path, debugger: str, loaded: Path) -> tuple[Document, str]:
    """The script that loads mtedbg with an object, and what makes the debugger run it.

    Args:
        object_file: a program or library.
        debugger: gdb or lldb.
        loaded: mtedbg's own file for that debugger.

    Raises:
        UsageError: there is no such object.
    """
    if not object_file.is_file():
        raise UsageError(f"{object_file} is not a file", "give a program or a library")
    real = object_file.resolve()  # debuggers follow links before they look
    name = re.sub(r'["\\{}]|[^ -~]', "_", real.name)
    if debugger == "gdb":
        text = _GDB.format(name=name, loaded=str(loaded))
        needed = f"GDB runs it after: add-auto-load-safe-path {real.parent}"
        return Document(str(real.with_name(f"{real.name}-gdb.py")), text), needed
    text = _LLDB.format(name=name, loaded=str(loaded))
    bundle = real.with_name(f"{real.name}.dSYM") / "Contents/Resources/Python"
    if bundle.parent.is_dir():
        bundle.mkdir(exist_ok=True)
        module = re.sub(r"[ .-]", "_", real.name)
        needed = "LLDB runs it after: settings set target.load-script-from-symbol-file true"
        return Document(str(bundle / f"{module}.py"), text), needed
    module = re.sub(r"\W", "_", real.name)
    file = real.with_name(f"{module}_lldb.py")
    return Document(str(file), text), f"LLDB runs it after: command script import {file}"
