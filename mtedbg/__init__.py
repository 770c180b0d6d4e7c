"""mtedbg: debugging JITs and emulators on Arm memory tagging."""

__version__ = "0.2.0"
