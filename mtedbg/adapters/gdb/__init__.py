"""mtedbg inside GDB: `install()` registers the commands. Only this folder imports gdb.

| file | concern |
|---|---|
| `register` | one gdb.Command for each of mtedbg's: help, completion, output, errors |
| `sessions` | which session a command is about; what makes its caches stale |
| `target` | the port, `GdbTarget` |
| `values`, `threads`, `console` | GDB's values, threads and printed answers as plain data |
| `expression` | what GDB knows of the names in ADDR, and expressions that are GDB's alone |
| `link` | what is at the other end: native, gdbserver, QEMU's stub, a core; its files |
| `sources` | mappings and tags by what is at the other end: one class each |
| `tags_ptrace`, `tags_ldg`, `tags_write` | ways to tags that are GDB's alone |
| `functions` | one gdb.Function for each of mtedbg's, `$_mte_atag(p)` |
| `mi` | one gdb.MICommand for each command, `-mte-tags` |
| `parameters` | `set mtedbg …` |
| `output` | colours or none |

GDB reads this at its start: what a command needs is imported when the command runs.
"""

from mtedbg.adapters.gdb.register import install

__all__ = ["install"]
