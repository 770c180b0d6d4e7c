"""Structures that JITs keep of their code, read as they are: one file a JIT.

How to add one: `analysis/code/jits.py`.
"""
