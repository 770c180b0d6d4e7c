"""Shows what changed in the answers, and writes them anew: `python -m tests.golden.update`.

It asks before it writes. `--yes` writes without asking; `--check` only looks. Exit status 1 where
answers differ from what is kept and nothing was written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path

from tests.golden.cases import EXPECTED, Question, answer, questions, unpacked
from tests.golden.changes import Answers, compare, in_words
from tests.golden.helps import HELP, all_meanings, help_text, without_help
from tests.support.json_document import DOCUMENT, document

WORKERS = 2


def given() -> Answers:
    """What is answered now, by file."""
    by_core = [list(group) for _, group in groupby(questions(), lambda question: question.core)]
    with ProcessPoolExecutor(WORKERS) as pool:
        texts = {HELP: pool.submit(_help)}
        answers = list(pool.map(_answers, by_core))
    found = {HELP: texts[HELP].result()}
    for part in answers:
        found |= part
    return _from_expected(found)


def kept() -> Answers:
    """The answers in the repository."""
    files = (path for path in EXPECTED.rglob("*") if path.is_file())
    return _from_expected({path: path.read_text("utf-8") for path in files})


def write(answers: Answers, folder: Path) -> None:
    """Makes `answers` those that are kept in `folder`, and no others."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder) not in answers:
            path.unlink()
    for name, text in answers.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _help() -> str:
    return help_text(all_meanings())


def _answers(asked: list[Question]) -> dict[Path, str]:
    """The answers to questions of one core, by file."""
    with tempfile.TemporaryDirectory() as folder:
        core = unpacked(asked[0].core, Path(folder))
        return {question.expected: without_help(answer(question, core)) for question in asked}


def _from_expected(answers: Answers) -> Answers:
    return {path.relative_to(EXPECTED): text for path, text in answers.items()}


def main(words: Sequence[str] | None = None) -> int:
    """Shows and perhaps writes; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.update", description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="write without asking")
    how.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(words)
    before, now = kept(), given()
    changes = compare(before, now)
    print(in_words(changes, len(now)), end="")
    if not changes:
        return 0
    if options.check or not (options.yes or _agreed()):
        print("nothing was written")
        return 1
    write(now, EXPECTED)
    DOCUMENT.write_text(document(), "utf-8")  # it has the columns' help as well
    print(f"written: {EXPECTED} and {DOCUMENT.name}; commit what was meant")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        print("\n`--yes` writes them")
        return False
    return input("\nwrite them? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
