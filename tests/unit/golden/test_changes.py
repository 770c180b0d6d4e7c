"""What `tests.golden.update` says before it writes."""

from pathlib import Path

from tests.golden.changes import DIFF_LINES_SHOWN, DIFFS_SHOWN, LINES_SHOWN, compare, in_words
from tests.golden.update import write

SYNC, ASYNC, HELP = Path("sync/mte-tags.txt"), Path("async/mte-tags.txt"), Path("help.txt")
KEPT = {SYNC: "one\ntwo\n", ASYNC: "one\ntwo\n", HELP: "help\n"}


def test_nothing_changed() -> None:
    changes = compare(KEPT, dict(KEPT))
    assert not changes
    assert in_words(changes, len(KEPT)) == "all 3 answers are as they were\n"


def test_questions_cores_and_lines_are_counted() -> None:
    given = KEPT | {SYNC: "one\n2\n", ASYNC: "one\n2\n", HELP: "other help\n"}
    said = in_words(compare(KEPT, given), len(given)).splitlines()
    assert said[:3] == [
        "3 of 3 answers change",
        "  questions: help.txt, mte-tags.txt (2)",
        "  cores: all, async, sync",
    ]
    assert said[4:9] == [
        "4 distinct lines change:",
        "     2x  + 2",
        "     2x  - two",
        "     1x  - help",
        "     1x  + other help",
    ]
    assert said[10:12] == ["--- async/mte-tags.txt", "+++ async/mte-tags.txt"]
    assert [line for line in said[12:] if line in ("-two", "+2")] == ["-two", "+2"] * 2


def test_files_come_and_go() -> None:
    new = Path("abort/mte-tags.txt")
    changes = compare(KEPT, {SYNC: KEPT[SYNC], ASYNC: KEPT[ASYNC], new: "new\n"})
    assert in_words(changes, 3) == (
        "0 of 3 answers change\n  new: abort/mte-tags.txt\n  gone: help.txt\n"
    )


def test_only_the_end_of_the_last_line() -> None:
    changes = compare(KEPT, KEPT | {HELP: "help"})
    assert "the last line's end" in in_words(changes, 3)


def test_much_is_cut_and_says_so() -> None:
    files = [Path(f"core{n}/mte-tags.txt") for n in range(DIFFS_SHOWN + 2)]
    kept = {file: "".join(f"{n}\n" for n in range(99)) for file in files}
    given = {file: "".join(f"{n} new\n" for n in range(99)) for file in files}
    said = in_words(compare(kept, given), len(files))
    assert f"… {198 - LINES_SHOWN} more\n" in said
    assert said.count("\n+++ ") == DIFFS_SHOWN
    assert f"… {201 - DIFF_LINES_SHOWN} more lines\n" in said
    assert "and 2 more files" in said


def test_what_is_written_is_all_that_is_there(tmp_path: Path) -> None:
    write(KEPT, tmp_path)
    given = {SYNC: "other\n", Path("abort/mte-tags.txt"): "new\n"}
    write(given, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path): path.read_text() for path in files} == given
