"""Loads mtedbg into LLDB: `command script import` this file, or let `mtedbg install lldb` do that.

It is no module of the package: LLDB imports it by its path, and it looks for the package above.
"""

import sys

# LLDB has the current folder on Python's path, and behind it would be what is added here. Python's
# own modules ask for some that are not there (`org`, `nt`, `_winapi`): a file of that name in a
# folder of cores would be run. So it goes before anything else is imported.
sys.path[:] = [folder for folder in sys.path if folder.startswith("/")]

from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402


def __lldb_init_module(debugger: Any, names: dict[str, Any]) -> None:
    """LLDB calls this once it has imported the file."""
    # The package is in a folder above: a checkout's, or an environment's site-packages.
    above = Path(__file__).resolve().parents
    root = next((folder for folder in above if (folder / "mtedbg/__init__.py").exists()), None)
    if root is None:
        sys.stderr.write("mtedbg is not beside this file; run: mtedbg install lldb\n")
        return
    # Its dependencies are pure Python and ctypes: LLDB's own Python may well be another one. They
    # come last, so that nothing that LLDB brings along is replaced.
    sys.path.insert(0, str(root))
    sys.path.extend(map(str, root.glob(".venv/lib/python3*/site-packages")))
    from mtedbg.adapters.lldb import install

    install(debugger, names)
