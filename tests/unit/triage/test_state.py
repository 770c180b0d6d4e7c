"""What is kept between two runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mtedbg.dataclass import replace
from mtedbg.errors import DocumentError, UsageError
from mtedbg.model.triage import Call, Evidence, Read, Signature, TimeSource
from mtedbg.triage.state import State, usual_path


def row(path: Path, cause: str = "died") -> Read:
    status = path.stat()
    made = Signature(cause, calls=("main+0x10", "program+0x20"))
    calls = (Call("program", "ab", 0x1010, "main", 16, 32), Call("program", "ab", 0x20))
    evidence = Evidence(calls, 2, rooted=True, tags="both tagged, and differ")
    return Read(
        str(path), status.st_size, status.st_mtime_ns, 1.5, TimeSource.FILE, made, "", "main+0x10",
        1, evidence,
    )  # fmt: skip


@pytest.fixture
def cores(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"core.{number}" for number in range(3)]
    for path in paths:
        path.write_bytes(b"x")
    return paths


def known(state: Path, cores: list[Path]) -> list[Read]:
    with State(state) as opened:
        return list(opened.known(map(str, cores)))


def test_what_was_added_is_known(tmp_path: Path, cores: list[Path]) -> None:
    rows = [row(cores[0]), Read(*astuple_of(cores[1]), 0.0, TimeSource.FILE, None, "is empty")]
    with State(tmp_path / "new" / "state") as state:
        assert list(state.known(map(str, cores))) == []
        for one in rows:
            state.add(one)
    assert known(tmp_path / "new" / "state", cores) == rows


def astuple_of(path: Path) -> tuple[str, int, int]:
    return str(path), path.stat().st_size, path.stat().st_mtime_ns


def test_a_file_that_changed_is_not_known(tmp_path: Path, cores: list[Path]) -> None:
    with State(tmp_path / "state") as state:
        for core in cores:
            state.add(row(core))
    cores[0].write_bytes(b"longer")
    os.utime(cores[1], ns=(1, 1))
    cores[2].unlink()
    assert known(tmp_path / "state", cores) == []


def test_the_last_of_two_rows_counts(tmp_path: Path, cores: list[Path]) -> None:
    with State(tmp_path / "state") as state:
        state.add(row(cores[0], "old"))
        state.add(row(cores[0], "new"))
    (found,) = known(tmp_path / "state", cores)
    assert found == row(cores[0], "new")


def test_a_writer_killed_at_any_byte(tmp_path: Path, cores: list[Path]) -> None:
    """What was whole is known, and what is added afterwards as well."""
    path = tmp_path / "state"
    with State(path) as state:
        state.add(row(cores[0]))
        state.add(row(cores[1]))
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        with State(path) as state:
            before = len(list(state.known(map(str, cores))))
            assert before == max(sum(end <= size for end in ends) - 1, 0)
            state.add(row(cores[2]))
        assert len(known(path, cores)) == before + 1


@pytest.mark.parametrize(
    "line", [b"[1]", b"{", b'{"path": 1}', b'{"signature": 3}', b"\xff\xfe", b"[" * 100000]
)
def test_lines_that_are_none_are_left_out(tmp_path: Path, cores: list[Path], line: bytes) -> None:
    path = tmp_path / "state"
    with State(path) as state:
        state.add(row(cores[0]))
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert [one.path for one in known(path, cores)] == [str(cores[0])]


def test_signatures_of_another_kind_are_made_anew(tmp_path: Path, cores: list[Path]) -> None:
    path = tmp_path / "state"
    with State(path) as state:
        state.add(row(cores[0]))
    head, *rest = path.read_bytes().split(b"\n")
    old = json.loads(head) | {"signatures": -1}
    path.write_bytes(b"\n".join([json.dumps(old).encode(), *rest]))
    assert known(path, cores) == []


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"letter to my aunt\n")
    with pytest.raises(UsageError, match="is not a state file of triage"):
        State(path)
    assert path.read_bytes() == b"letter to my aunt\n"


def test_two_at_once(tmp_path: Path) -> None:
    with State(tmp_path / "state"), pytest.raises(UsageError, match="another triage is using"):
        State(tmp_path / "state")


def test_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DocumentError):
        State(tmp_path / "file" / "state")


def test_the_usual_place_is_that_of_the_same_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert usual_path(["a", "b"]) == usual_path(["b", "./a"])
    assert usual_path(["a"]) != usual_path(["b"])
    assert usual_path(["a"]).parent == tmp_path / "mtedbg"


def test_lines_that_were_edited_are_set_aside(tmp_path: Path, cores: list[Path]) -> None:
    path = tmp_path / "state"
    with State(path) as state:
        for core in cores:
            state.add(row(core))
    path.write_bytes(path.read_bytes().replace(b'"died"', b'"well"', 1))
    with State(path) as state:
        (said,) = state.remarks
        assert said.startswith(f"1 line of {path} are edited or damaged: set aside in {path}.d")
        assert list(state.known(map(str, cores))) == [row(one) for one in cores[1:]]
    assert b'"well"' in Path(f"{path}.damaged").read_bytes()
    with State(path) as state:
        assert state.remarks == []
        assert list(state.known(map(str, cores))) == [row(one) for one in cores[1:]]


def test_it_is_its_owners_alone(tmp_path: Path, cores: list[Path]) -> None:
    path = tmp_path / "state"
    path.touch(0o644)
    with State(path) as state:
        state.add(row(cores[0]))
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_may_pass_is_not_kept(tmp_path: Path, cores: list[Path]) -> None:
    passing = replace(row(cores[0]), signature=None, problem="no space", passing=True)
    with State(tmp_path / "state") as state:
        state.add(passing)
        state.add(row(cores[1]))
    assert known(tmp_path / "state", cores) == [row(cores[1])]
