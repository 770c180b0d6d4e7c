"""The debug root of a target: found, validated whole, and turned into a `Runtime`.

How to support a changed meaning:
 1. the runtime changes the value of a `contract` line of its schema, not only an offset;
 2. one file here learns to read it, the old one stays: old cores are readable for ever;
 3. a frozen core of the new kind goes into the tests;
 4. whatever is unknown and required is a `LayoutError`, never a guess.

A field that only moves needs nothing here: the schema says where it is. A new field is an attribute
of the record's class in `model/`, with a default where older runtimes lack it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtedbg.layout.find import find_runtimes
    from mtedbg.layout.records import Requirements
    from mtedbg.layout.runtime import Runtime

__all__ = ["Requirements", "Runtime", "find_runtimes"]


_WHERE = {"find_runtimes": "find", "Requirements": "records", "Runtime": "runtime"}


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: most processes have no runtime and need none of it."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
