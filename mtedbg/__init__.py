"""mtedbg: debugging JITs and emulators on Arm memory tagging."""

__version__ = "0.1.0"
