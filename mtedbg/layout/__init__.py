"""The debug root of a target: found, validated whole, and turned into a `Runtime`.

How to support a changed meaning:
 1. the runtime raises its semantic version (a `contract` line of its schema), not only an offset;
 2. one file here learns to read it, the old one stays: old cores are readable for ever;
 3. a frozen core of the new kind goes into the tests;
 4. whatever is unknown and required is a `LayoutError`, never a guess.
"""

from mtedbg.layout.find import find_runtimes
from mtedbg.layout.runtime import Runtime

__all__ = ["Runtime", "find_runtimes"]
