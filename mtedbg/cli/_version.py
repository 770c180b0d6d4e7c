"""`mtedbg --version`: which mtedbg this is, and what it and its lab were built with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from mtedbg import __version__

BUILT = "built.txt"
"""Written by whoever builds a wheel, beside the package: lines for people."""


class Version(argparse.Action):
    """Prints it, and ends the program."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_words: Any) -> None:
        del dest  # nothing is kept of it
        super().__init__(
            option_strings,
            argparse.SUPPRESS,
            nargs=0,
            help="print the version, and how it was built",
        )

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: object,
        _option: str | None = None,
    ) -> None:
        """See `argparse`."""
        from mtedbg.render import clean

        sys.stdout.write("".join(f"{clean(line)}\n" for line in lines()))
        parser.exit()


def lines() -> Iterator[str]:
    """The version first, alone on its line."""
    import platform

    from mtedbg.lab import paths

    yield f"mtedbg {__version__}"
    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if paths.in_checkout():
        yield f"a checkout: {paths.CHECKOUT}"
        return
    for place in (paths.PACKAGE, paths.DATA):
        try:
            yield from (place / BUILT).read_text("utf-8").splitlines()
        except OSError:
            yield "built by pip" if place == paths.PACKAGE else "no lab: pip install 'mtedbg[lab]'"
