"""mtedbg inside LLDB: `install()` registers the commands. Only this folder imports lldb.

| file | concern |
|---|---|
| `commands` | one class for each of mtedbg's commands: help, options, completion, output, errors |
| `register` | both names of each, unless they are somebody's |
| `sessions` | which session a command is about; what makes its caches stale |
| `target` | the port, `LldbTarget` |
| `symbols`, `threads` | LLDB's symbols and threads as plain data |
| `expression` | what LLDB knows of the names in ADDR |
| `link` | what is at the other end: lldb-server, gdbserver, QEMU's stub, a core; its packets |
| `files` | files of the machine where the process is |
| `core` | the core that is loaded |
| `sources` | mappings and tags by what is at the other end: one class each |
| `functions` | mtedbg's functions for LLDB's Python, `mte_atag(frame, "p")` |
| `stops`, `vdso`, `frames` | what makes LLDB's own backtrace whole in a process with a debug root |
| `jit_frames`, `module` | a module of mtedbg's, of one stop, by which LLDB leaves code of JITs |
| `output` | colours or none |

LLDB reads this at its start: what a command needs is imported when the command runs.
"""

from mtedbg.adapters.lldb.register import install

__all__ = ["install"]
