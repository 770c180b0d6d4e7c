"""Faults put into the runtime on purpose, each of which a native unit test must notice."""
