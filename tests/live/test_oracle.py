"""The translator against an x86-64 processor: the same sequences and functions in both worlds."""

import json

import pytest

from tests.oracle import check, corpus, flags, long_run, machine
from tests.oracle.case import Case, Outcome, differences
from tests.oracle.forms import FORMS, Form
from tests.oracle.strategies import tour
from tests.support import x86_64

PROTOCOLS = ("", "--memops-start shared --shared-tag 15", "--policy seed --step 1")

natively = pytest.mark.skipif(
    not x86_64.is_native(),
    reason="this processor is not x86-64: what one did is recorded and replayed instead",
)


def agree(forms: tuple[Form, ...], examples: int, seed: int, options: str) -> int:
    """Compares examples of each form; what differs is made small first. How many there were."""
    cases = corpus.of_forms(forms, examples, seed)
    wrong = check.compare(cases, options)
    if wrong:
        first = next(iter(wrong))
        part = next(
            p for p in corpus.parts(forms) if first in check.generate(tour(p), examples, seed)
        )
        small = check.smallest(tour(part), examples, seed, first, options)
        said = "\n".join(check.compare([small], options)[small])
        pytest.fail(f"{len(wrong)} differ; {said}\n{small.text}\n{json.dumps(small.to_json())}")
    return len(cases)


@natively
def test_every_form() -> None:
    """Some examples of each; `make oracle` goes on with others."""
    assert agree(FORMS, 2, 1, PROTOCOLS[0]) > 1000


@natively
@pytest.mark.parametrize("options", PROTOCOLS[1:])
def test_every_form_under_another_protocol(options: str) -> None:
    assert agree(FORMS, 1, 2, options) > 500


@natively
@pytest.mark.parametrize("options", PROTOCOLS)
def test_compiled_functions(options: str) -> None:
    """Sorting, hashing, searching, interpreting… at -O0, -O2 and -Os."""
    cases = corpus.every_function(4, 3)
    assert check.compare(cases, options) == {}
    assert len(cases) > 100


@natively
def test_long_sequences() -> None:
    """A short form of `make oracle`."""
    for part in long_run.run(50_000, seed=1):
        assert part.steps > part.instructions > 10_000
        for wrong, said in part.wrong.items():
            pytest.fail(f"{said}\n{json.dumps(long_run.smallest(wrong).case.to_json())}")


@natively
def test_a_long_sequence_that_differs_is_made_short() -> None:
    some = long_run.batch(2)[0]
    unknown = (Form("haddps xmm0, xmm0"), "haddps xmm0, xmm0")
    wrong = some.only((*some.steps[:5], unknown, *some.steps[5:]))
    small = long_run.smallest(wrong)
    assert small.steps == (unknown,)
    assert not any(small.case.registers)


def test_recorded_outcomes() -> None:
    """On any host the runtime does what was recorded; on an x86-64 host the record is right."""
    cases, recorded = corpus.read_recorded()
    assert len(cases) > 500
    assert check.judge(cases, recorded, machine.in_runtime(cases)) == {}
    if x86_64.is_native():
        assert check.judge(cases, recorded, machine.natively(cases)) == {}


@natively
def test_what_once_went_wrong() -> None:
    cases = corpus.regressions()
    assert cases
    for options in PROTOCOLS:
        assert check.compare(cases, options) == {}


def _case(text: str, mask: str = flags.ARITHMETIC) -> Case:
    return Case(text, tuple(range(13)), 1, 0, 0, flags.mask(mask))


@natively
def test_a_difference_is_found() -> None:
    """In a register, in a flag that is compared, in memory, on the stack, in how it ends."""
    left = [_case("mov r8, 1"), _case("stc"), _case("mov byte ptr [r15 + 3], 1"), _case("push 5")]
    right = [_case("mov r8, 2"), _case("clc"), _case("mov byte ptr [r15 + 3], 2"), _case("push 6")]
    outcomes = zip(left, machine.natively(left), machine.natively(right), strict=True)
    said = [list(differences(*one)) for one in outcomes]
    assert said[0] == ["r8 is 0x2, not 0x1"]
    assert said[1] == ["flags are 0x0, not 0x1"]
    assert said[2] == ["[r15+3] is 0x2, not 0x1"]
    assert said[3] == ["stack[-8] is 0x6, not 0x5"]
    a, b = machine.natively([_case("stc", "Z"), _case("clc", "Z")])
    assert list(differences(_case("stc", "Z"), a, b)) == []
    assert list(differences(left[0], a, Outcome(error="bad address"))) != []


@natively
def test_what_breaks_off_is_told_apart() -> None:
    cases = [_case("nop"), _case("mov rax, [0]"), _case("nop"), _case("haddps xmm0, xmm0")]
    found = machine.in_runtime(cases)
    assert [bool(one.error) for one in found] == [False, True, False, True]
    assert "bad address 0x0" in found[1].error
    assert "unsupported instruction" in found[3].error
    assert "haddps xmm0, xmm0" in found[3].error
