"""Many dead processes: each read once and quickly, in any order, by several workers.

`files` finds them, `one` reads one, `local` and `cluster` spread that over processes, `state` keeps
what was read, so that nothing is read twice. Grouping is a query (`analysis/postmortem/groups.py`).
"""
