"""Names of C++ and Rust functions for people: qualified, without parameters.

The library `demangle` reads them: the Itanium C++ ABI, Rust's v0 and its older mangling. They are
spelled as GDB and c++filt do. A name comes from a file or a process, so that its length, its depth
and what it expands to are bounded.
"""

from __future__ import annotations

from functools import lru_cache

_MANGLED = ("_Z", "_R")
_LANGUAGES = ("itanium", "rust")
_STYLE = "gnu"
MOST = 2048
"""Characters of a name that is read; a longer one stays as it is."""

MOST_DEPTH, MOST_OUTPUT, MOST_SUBSTITUTIONS = 64, 1 << 14, 1024


def demangled(name: str) -> str:
    """As "mtetso::Engine::run" for "_ZN6mtetso6Engine3runERNS_5FrameE"; else `name`.

    A part that the compiler split off, or a copy that it made, is named as GDB does:
    "f [clone .cold]".
    """
    return _demangled(name) if name.startswith(_MANGLED) and len(name) <= MOST else name


@lru_cache(maxsize=1 << 12)
def _demangled(name: str) -> str:
    try:
        from demangle import DemanglingError, Limits, signature
    except ImportError:  # a debugger's own Python may not have it
        return name
    limits = Limits(MOST_DEPTH, MOST_OUTPUT, MOST_SUBSTITUTIONS, MOST)
    try:
        found = signature(name, language=_LANGUAGES, style=_STYLE, limits=limits)
    except DemanglingError:
        return name
    clone = f" [clone {found.decoration}]" if found.decoration.startswith(".") else ""
    return " ".join(filter(None, (found.special, found.qualified_name))) + clone
