"""Writes the expected answers anew: `python -m tests.golden.update`, then read the diff."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.golden.cases import EXPECTED, answer, questions, unpacked


def main() -> int:
    """Asks every question and keeps the answer."""
    shutil.rmtree(EXPECTED, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        cores: dict[str, Path] = {}
        for question in questions():
            if question.core not in cores:
                place = Path(folder) / question.core
                place.mkdir()
                cores[question.core] = unpacked(question.core, place)
            question.expected.parent.mkdir(parents=True, exist_ok=True)
            question.expected.write_text(answer(question, cores[question.core]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
