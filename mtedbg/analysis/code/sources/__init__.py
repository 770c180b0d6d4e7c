"""Who may know which code holds a PC: one file a source, in `block.SOURCES` by what they know.

How to add one:
 1. bytes → structure in `formats/` or `decode/`: what the JIT leaves, with a bound on all of it;
 2. a `CodeSource` and a file here with a function `code_at(session, pc)` that makes a `CodePlace`
    of it, or None where the process has no such thing; `foreign.place_of` does for most;
 3. a row in `block.SOURCES`.
"""
