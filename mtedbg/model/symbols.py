"""Names by which a program tells that it has a runtime."""

ROOT_SYMBOL = "mtedbg_root"
"""Its debug root; see `mtedbg/debug_root.h`."""
