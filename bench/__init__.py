"""What mtedbg costs compared with what a user has today: `make bench` prints one table in one run.

How to add a subject: a file with `measure(lab) -> Iterator[Row]`, and its name in `__main__.py`.

| file | measures |
|---|---|
| `tags` | allocation tags of 64 MiB: from a core in GDB and LLDB, from gdbserver |
| `code_map` | `jit-block` with up to a million ranges, cold and warm, and what it reads |
| `jit_list` | GDB's JIT interface: its own way, and read directly |
| `jits` | `jit-block` on cores of JITs from packages, cold and warm |
| `startup` | time and memory of GDB and LLDB: bare, with mtedbg, at the first command |

Numbers are medians over rounds in which the compared ways alternate (A B A B): what else the
machine does then hits all of them alike. What would take too long is a sample, and says so.
"""
