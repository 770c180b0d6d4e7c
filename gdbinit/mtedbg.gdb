# Loads mtedbg into GDB: `source …/gdbinit/mtedbg.gdb`, by hand or in ~/.gdbinit.
python
def _mtedbg_load():
    import glob, os, sys
    # GDB does not tell a script its own name, but holds it open while it reads it.
    for number in os.listdir("/proc/self/fd"):
        try:
            script = os.readlink("/proc/self/fd/" + number)
        except OSError:
            continue
        if script.endswith("/gdbinit/mtedbg.gdb"):
            break
    else:
        raise RuntimeError("source this file by its own name")
    folder = os.path.dirname(script)
    while folder != "/" and not os.path.isfile(folder + "/mtedbg/__init__.py"):
        folder = os.path.dirname(folder)
    # Last, so that nothing is taken from here that GDB's own Python has: in a checkout, what the
    # package needs is in the virtual environment beside it.
    beside = glob.glob(folder + "/.venv/lib/python3*/site-packages")
    sys.path += [place for place in [folder, *beside] if place not in sys.path]
    from mtedbg.adapters.gdb import install
    install()
_mtedbg_load()
del _mtedbg_load
end
