"""Names by which a program tells that it has a runtime."""

ROOT_SYMBOL = "mtedbg_root"
"""Its debug root; see `mtedbg/debug_root.h`."""
LIST_SYMBOL = "mtedbg_roots"
"""The head of the list of its libraries' debug roots."""
