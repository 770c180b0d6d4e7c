"""Loads mtedbg into GDB: `source` this file, or let `mtedbg install gdb` put that in your gdbinit.

It is no module of the package: GDB runs it by its path, and it looks for the package above. GDB's
Python may be any, so that this file is written for all of them, Python 2 included.
"""


def _mtedbg_load():
    import glob
    import os
    import sys

    import gdb

    oldest = (3, 11)  # as pyproject.toml has it
    if sys.version_info < oldest:
        wanted, found = (".".join(map(str, one[:2])) for one in (oldest, sys.version_info))
        gdb.write(
            "mtedbg needs a GDB whose Python is %s or newer; this one's is %s."
            " pip install 'mtedbg[gdb]' brings one\n" % (wanted, found),
            gdb.STDERR,
        )
        return
    # GDB sets __file__ from version 14 on; code always knows where it was read.
    root = os.path.dirname(os.path.realpath(sys._getframe().f_code.co_filename))
    # The package is in a folder above: a checkout's, or an environment's site-packages.
    while not os.path.exists(os.path.join(root, "mtedbg", "__init__.py")):
        above = os.path.dirname(root)
        if above == root:
            gdb.write("mtedbg is not beside this file; run: mtedbg install gdb\n", gdb.STDERR)
            return
        root = above
    # Its dependencies are pure Python and ctypes: GDB's own Python may well be another one. They
    # come last, so that nothing that GDB brings along is replaced.
    sys.path.insert(0, root)
    sys.path.extend(glob.glob(os.path.join(root, ".venv/lib/python3*/site-packages")))
    from mtedbg.adapters.gdb import install

    install()


_mtedbg_load()
del _mtedbg_load
