"""What of a process can be completed."""

from enum import Enum


class Completable(Enum):
    """What a word of a command's line may be, so that it can be completed."""

    MEMOP = "ids of memops"
    BLOCK = "ids of code blocks"
    BLOCK_KIND = "kinds of code blocks"
    TIER = "tiers"
    FUNCTION = "names of guest functions"
    THREAD = "numbers of threads"
