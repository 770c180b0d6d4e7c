"""How much of its memory order a real program needs, and what the runtime makes of it.

How to add a run: a `Run` in `__main__.py`; its program is one of `tests/programs/table.py`.
"""
