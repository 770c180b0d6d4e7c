"""Who in a process is known to make code, and has no reader: whose code it may be is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import mapped_files
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session

_MAKERS = (
    (".NET", r"libclrjit\.so|libcoreclr\.so"),
    ("Ruby", r"libruby.*\.so.*|ruby[0-9.]*"),
    ("QEMU", r"qemu-(?!img|nbd|io|ga)[a-z0-9_-]+"),
    ("V8", r"libv8.*\.so.*|libmini_racer\.so|electron|chrom(?:e|ium)|deno|libcef\.so"),
    ("JavaScriptCore", r"libjavascriptcoregtk-.*\.so.*|libWPEWebKit-.*\.so.*|bun"),
    ("Qt's JavaScript", r"libQt[56]Qml\.so.*"),
    ("SpiderMonkey", r"libxul\.so|firefox.*"),
    ("FEX", r"FEX(?:Interpreter|Loader)?"),
    ("Julia", r"julia|libjulia.*\.so.*"),
    ("Guile", r"guile(?:-[0-9.]+)?|libguile-[0-9.]+\.so.*"),
    ("SBCL", r"sbcl"),
    ("TCC", r"tcc|libtcc\.so.*"),
    ("Erlang", r"beam\.smp"),
    ("LLVM", r"libLLVM.*\.so.*|libllvmlite\.so"),
    ("libgccjit", r"libgccjit\.so.*"),
    ("wasmtime", r"libwasmtime.*\.so|_libwasmtime\.so|wasmtime"),
    ("Wasmer", r"libwasmer.*\.so.*|wasmer"),
    ("GNU Lightning", r"liblightning\.so.*"),
    ("Orc", r"liborc-0\..*\.so.*"),
    ("oneDNN", r"libdnnl\.so.*"),
    ("libffi", r"libffi\.so.*"),
)
"""Names, and patterns for the whole name of a file; the likeliest to have made code first."""
_ALL = [(name, re.compile(pattern)) for name, pattern in _MAKERS]


@once
def makers(session: Session) -> tuple[str, ...]:
    """Those in the process, "Ruby (ruby3.3)", likeliest first; none where no file has a name."""
    files = [one.name for one in mapped_files(session)]
    return tuple(
        f"{name} ({found})"
        for name, pattern in _ALL
        if (found := next((file for file in files if pattern.fullmatch(file)), None)) is not None
    )
