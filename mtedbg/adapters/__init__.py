"""Targets: GDB, LLDB, ELF core files. The only places that talk to what is debugged."""
