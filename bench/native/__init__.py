"""The runtime's cost compared with the least that would do: `make bench-native` prints the tables.

How to add a subject: a file with `measure(lab) -> Iterator[Row]`, and its name in `__main__.py`.

| file | measures |
|---|---|
| `lookup` | PC → block in the code map and a plain binary search, alone and against a writer |
| `faults` | fault, patch, resume, and a bare SIGSEGV round trip |
| `memops` | instructions of a memop, and the untagged form, written by hand |
| `translation` | guest bytes a second, and decoding alone |
| `policies` | instructions of whole guest programs, by policy and tier |

`python -m bench.native.handler` says by function what the instructions of `faults` are.

The machine is the build host for `lookup`; all else is AArch64 and emulated: there, only ratios and
counts say something.
"""
