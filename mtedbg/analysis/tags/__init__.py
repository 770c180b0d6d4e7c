"""Allocation tags: where they are, whose they are, and how they are checked."""
