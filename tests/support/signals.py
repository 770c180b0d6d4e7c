"""Signals of what a test starts."""

FRESH = ("env", "--default-signal")
"""In front of a command: it ignores no signal.

Who has started the tests may ignore some: nohup, or a shell for what it runs in the background.
"""
