"""Tests of mtedbg/lab and of the commands that stand on it."""
