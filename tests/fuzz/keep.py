"""`python -m tests.fuzz.keep NAME FILE…`: keeps inputs of a target for the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tests.fuzz.seeds import CORPUS, kept
from tests.fuzz.targets import TARGETS


def keep(name: str, new: list[bytes]) -> None:
    """Adds to what is kept of a target; the same inputs give the same file."""
    inputs = {*kept(name), *new}
    with ZipFile(CORPUS / f"{name}.zip", "w", ZIP_DEFLATED) as archive:
        for number, data in enumerate(sorted(inputs, key=lambda one: (len(one), one))):
            archive.writestr(ZipInfo(f"{number:03}"), data, ZIP_DEFLATED, 9)


def main(words: list[str]) -> int:
    """Keeps files; the exit status."""
    if len(words) < 2 or words[0] not in TARGETS:
        print(f"{__doc__}\ntargets: {', '.join(TARGETS)}")
        return 2
    keep(words[0], [Path(file).read_bytes() for file in words[1:]])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
