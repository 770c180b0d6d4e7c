"""Packets of the GDB remote protocol that both debuggers send."""
