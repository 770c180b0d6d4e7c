"""QEMU, the way mtedbg uses it: user mode, and a Linux VM with memory tagging."""
