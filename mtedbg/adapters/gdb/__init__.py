"""mtedbg inside GDB: `install()` registers the commands. Only this folder imports gdb.

| file | concern |
|---|---|
| `register` | one gdb.Command for each of mtedbg's: help, completion, output, errors |
| `sessions` | which session a command is about; what makes its caches stale |
| `target` | the port, `GdbTarget` |
| `link` | what is at the other end: native, gdbserver, QEMU's stub, a core; its files |
| `tags_*` | one source of allocation tags each |

GDB reads this at its start: what a command needs is imported when the command runs.
"""

from mtedbg.adapters.gdb.register import install

__all__ = ["install"]
