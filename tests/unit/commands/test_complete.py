"""What may stand for the last word of a line."""

from __future__ import annotations

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.completions import completions
from mtedbg.commands import find
from mtedbg.commands._complete import Rest, complete
from mtedbg.errors import NoTargetError
from mtedbg.model.completion import Completable
from mtedbg.session import Session
from tests.golden.cases import CORES


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(CoreTarget(CORES / "runtime-lockstep.core.gz"))


def completed(line: str, session: Session | None) -> list[str] | Rest:
    name, *words, last = line.split(" ")
    command = find(name)
    assert command

    def here() -> Session:
        if session is None:
            raise NoTargetError("no program is being debugged")
        return session

    return complete(command, words, last, here)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mte-tags --r", ["--runs"]),
        ("mte-tags $x0 64 --", ["--runs", "--granules", "--json", "--no-color"]),
        ("mte-fault --", ["--thread", "--all-threads", "--json", "--no-color"]),
        ("mte-tags ", Rest.EXPRESSION),
        ("mte-tags $x", Rest.EXPRESSION),
        ("mte-tags $x0 si", Rest.EXPRESSION),
        ("mte-tags $x0 64 mo", []),
        ("mte-tags $x0 + 16 si", Rest.EXPRESSION),
        ("mte-tags (char *) $x0 + 16 64 mo", []),
        ("mte-tags $x0 -16 si", []),
        ("mte-regions --picture /tm", Rest.FILE),
        ("mte-regions so", []),
        ("memops --mode s", ["Shared"]),
        ("memops --sort f", ["flips", "faults"]),
        ("memops --sort flips --mode ", ["Local", "Shared"]),
        ("memop ", Rest.EXPRESSION),
        ("memop $p", Rest.EXPRESSION),
        ("memop-log -n 1", []),
    ],
)
def test_without_asking_the_process(line: str, expected: list[str] | Rest) -> None:
    assert completed(line, None) == expected


def test_what_the_process_has(session: Session) -> None:
    memops = completed("memop-log --memop ", session)
    assert isinstance(memops, list)
    assert memops
    assert completed("memop 1", session) == [one for one in memops if one.startswith("1")]
    blocks = completed("memops --block ", session)
    assert isinstance(blocks, list)
    assert blocks
    assert completed("jit-disas 1", session) == [one for one in blocks if one.startswith("1")]
    assert completed("jit-blocks --kind ba", session) == []
    assert completed("jit-blocks --kind Ba", session) == ["BaselineTier"]
    assert completed("jit-blocks --tier O", session) == ["Optimized"]
    assert completed("jit-blocks --function mai", session) == ["main"]
    assert completed("mte-fault --thread ", session) == ["1"]


@pytest.mark.parametrize("line", ["memop 1", "memops --block ", "mte-fault --thread "])
def test_no_process_is_no_error(line: str) -> None:
    assert completed(line, None) in ([], Rest.EXPRESSION)


@pytest.mark.parametrize("what", Completable)
def test_each_kind_has_words(what: Completable, session: Session) -> None:
    words = completions(session, what, "")
    assert words
    assert completions(session, what, words[-1][0])[-1] == words[-1]
    assert completions(session, what, "~") == []
