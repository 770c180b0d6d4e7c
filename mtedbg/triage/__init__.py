"""Many dead processes: each read once and quickly, in any order, by several workers.

`files` finds them, `one` reads one, `local` and `cluster` spread that over processes, `state` keeps
what was read, so that nothing is read twice. Which deaths are the same is a question like any other
(`analysis/postmortem/groups.py`).
"""
