"""Memops, their instruction words, and what a runtime records of them."""
