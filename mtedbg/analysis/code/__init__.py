"""JIT code: which block holds a PC, what is in it, and whether the code map is sound."""
