"""`dataclass` as in the standard library, but cheap to define.

The standard library writes and compiles up to six methods the moment a class is defined, used or
not: 0.5 ms each for the hundred classes that the shortest answer of `mtedbg core` imports, half of
what that takes. Here a class gets methods that all classes share, and its `__init__` is compiled
at the first instance. Type checkers see the standard library's, so nothing is lost there.

What is supported is what this project uses: `frozen`, `slots`, `eq`; fields with defaults,
factories, `kw_only`, `compare`, `repr`; ClassVar; `__post_init__`. Tests compare all of it with the
standard library's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING, asdict, astuple, dataclass, field, fields, replace
else:
    from mtedbg.dataclass.making import (
        MISSING,
        asdict,
        astuple,
        dataclass,
        field,
        fields,
        replace,
    )

__all__ = ["MISSING", "asdict", "astuple", "dataclass", "field", "fields", "replace"]
