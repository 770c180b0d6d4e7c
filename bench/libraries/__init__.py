"""Programs of public libraries in the runtime, single-threaded: `make libraries` prints the table.

None of their accesses needs order. How many are ordered all the same, weighted by executions, and
how often they fault, says whether the idea pays.

How to add a program: a `Program` in `programs.py`, and its `main` in `c/`: it checks itself. Its
library is a source package of Debian and integer C; what it needs of a C library is musl's, malloc
is dlmalloc.
"""
