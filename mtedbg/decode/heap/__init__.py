"""Heaps of allocators, by their own headers."""
