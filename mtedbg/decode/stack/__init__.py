"""Frames, registers and signal frames, of the host and of the guest."""
