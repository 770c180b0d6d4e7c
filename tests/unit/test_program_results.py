"""Results of programs' runs, kept from call to call."""

from pathlib import Path

from tests.programs.results import Job, Result, Results

SAME, OTHER = (Job("vm", ("/usr/bin/dash", word), ("--threads", "lockstep")) for word in "ab")
AGAIN = Job("vm", SAME.command, SAME.options, 1)


def test_what_has_run_is_known_to_the_next_call(tmp_path: Path) -> None:
    path = tmp_path / "folder/results"
    Results(path).add(SAME, Result("", 1.5))
    Results(path).add(OTHER, Result("status 1, natively 0", 2.0, 7))
    found = Results(path)
    assert found.missing([SAME, OTHER, AGAIN]) == [AGAIN]
    assert found.of([OTHER, AGAIN, SAME]) == [
        Result("status 1, natively 0", 2.0, 7),
        Result("", 1.5),
    ]


def test_a_line_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    path = tmp_path / "results"
    results = Results(path)
    results.add(SAME, Result("", 1.5))
    results.add(OTHER, Result("", 1.5))
    path.write_bytes(path.read_bytes()[:-3])
    cut = Results(path)
    assert cut.missing([SAME, OTHER]) == [OTHER]
    cut.add(OTHER, Result("", 2.5))
    assert Results(path).of([SAME, OTHER]) == [Result("", 1.5), Result("", 2.5)]


def test_anew(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    results.add(SAME, Result("", 1.5))
    results.add(OTHER, Result("", 1.5))
    results.forget([SAME])
    for one in (results, Results(tmp_path / "results")):
        assert one.missing([SAME, OTHER]) == [SAME]
    results.add(SAME, Result("", 2.5))
    assert Results(tmp_path / "results").of([SAME]) == [Result("", 2.5)]
