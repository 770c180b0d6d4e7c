# Loads mtedbg into GDB: `source` this file, or let `mtedbg install gdb` load its neighbour.
python
def _mtedbg_find():
    import glob, os
    # GDB tells Python nothing about a file of commands, but holds it open meanwhile: Linux has the
    # names of open files in /proc, macOS tells them by F_GETPATH (fcntl(2) there).
    files = [os.path.realpath(link) for link in glob.glob("/proc/self/fd/*")]
    try:
        import fcntl
    except ImportError:
        fcntl = None
    for descriptor in range(3, 256 if hasattr(fcntl, "F_GETPATH") else 0):
        try:
            name = fcntl.fcntl(descriptor, fcntl.F_GETPATH, b"\0" * 1024)
            files.append(os.path.realpath(os.fsdecode(name.split(b"\0")[0])))
        except (OSError, ValueError):
            pass
    for file in files:
        if os.path.basename(file) == "mtedbg.gdb":
            gdb.execute("source " + os.path.join(os.path.dirname(file), "mtedbg_gdb.py"))
            return
    gdb.write("this system does not say where mtedbg.gdb is; source mtedbg_gdb.py, beside it\n",
              gdb.STDERR)
_mtedbg_find()
del _mtedbg_find
end
