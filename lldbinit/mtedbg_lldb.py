"""Loads mtedbg into LLDB: `command script import` this file, or let `mtedbg install lldb` do that.

It is no module of the package: LLDB imports it by its path, and it looks for the package above.
LLDB's Python may be any, so that this file is written for all of them.
"""

import sys

# LLDB has the current folder on Python's path, and behind it would be what is added here. Python's
# own modules ask for some that are not there (`org`, `nt`, `_winapi`): a file of that name in a
# folder of cores would be run. So it goes before anything else is imported. A path is absolute if
# it begins with a slash, or with a drive's letter.
sys.path[:] = [folder for folder in sys.path if folder[:1] == "/" or folder[1:2] == ":"]

import glob  # noqa: E402
import os  # noqa: E402

OLDEST = (3, 11)
"""Of the package: `requires-python` in pyproject.toml."""


def _root():
    """The folder above that the package is in: a checkout, or an environment's site-packages."""
    folder = os.path.dirname(os.path.realpath(__file__))
    while not os.path.exists(os.path.join(folder, "mtedbg", "__init__.py")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def __lldb_init_module(debugger, names):
    """LLDB calls this once it has imported the file."""
    if sys.version_info < OLDEST:
        wanted, found = (".".join(map(str, one[:2])) for one in (OLDEST, sys.version_info))
        sys.stderr.write(
            "mtedbg needs an LLDB whose Python is %s or newer; this one's is %s."
            " pip install 'mtedbg[lldb]' brings one\n" % (wanted, found)
        )
        return
    root = _root()
    if root is None:
        sys.stderr.write("mtedbg is not beside this file; run: mtedbg install lldb\n")
        return
    # Its dependencies are pure Python and ctypes: LLDB's own Python may well be another one. They
    # come last, so that nothing that LLDB brings along is replaced.
    sys.path.insert(0, root)
    sys.path.extend(glob.glob(os.path.join(root, ".venv/lib/python3*/site-packages")))
    from mtedbg.adapters.lldb import install

    install(debugger, names)
