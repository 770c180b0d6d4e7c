# Loads mtedbg into GDB: `source` this file, or let `mtedbg install gdb` put that into your gdbinit.
python
def _mtedbg_load():
    import glob, os, sys
    # GDB tells Python nothing about a file that is sourced, but holds it open meanwhile.
    files = (os.path.realpath(link) for link in glob.glob("/proc/self/fd/*"))
    root = next((file for file in files if file.endswith("/gdbinit/mtedbg.gdb")), "")
    # The package is in a folder above: a checkout's, or an environment's site-packages.
    while len(root) > 1 and not os.path.exists(root + "/mtedbg/__init__.py"):
        root = os.path.dirname(root)
    if len(root) < 2:
        gdb.write("mtedbg is not beside this file; run: mtedbg install gdb\n", gdb.STDERR)
        return
    # Its dependencies are pure Python and ctypes: GDB's own Python may well be another one. They
    # come last, so that nothing that GDB brings along is replaced.
    sys.path.insert(0, root)
    sys.path.extend(glob.glob(root + "/.venv/lib/python3*/site-packages"))
    from mtedbg.adapters.gdb import install
    install()
_mtedbg_load()
del _mtedbg_load
end
