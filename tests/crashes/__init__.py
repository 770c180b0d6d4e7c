"""Programs with memory tagging as they really crash, and what mtedbg says of their cores.

The programs are in `tests/support/programs/crashes/`; each says on its standard output what its bug
is before it crashes. `cells` lists them, `build` compiles them, `produce` runs them in the VM,
`verdict` holds what is said against what is true, `debugger` holds the calls against GDB's,
`damage` damages cores and executables, `grouping` measures the groups of triage.
`python -m tests.crashes --help` runs it all.
"""
