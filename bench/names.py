"""Names on the command line of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def are_known(names: Sequence[str], there: Iterable[str], what: str) -> bool:
    """Whether all are names of what there is; says it of the first that is not.

    Args:
        names: as they were given.
        there: all that can be.
        what: they are, in one word.
    """
    known = list(there)
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"bench: no {what} {unknown[0]!r}; there are {', '.join(known)}")
    return not unknown
