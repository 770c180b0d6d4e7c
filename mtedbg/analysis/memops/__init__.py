"""Memops: their state, their history, and what a profile keeps of them."""
