"""DWARF: call frame information, expressions, lines and functions. Pure, for hostile input."""
