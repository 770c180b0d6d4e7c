"""What every error promises."""

from __future__ import annotations

from mtedbg.errors import LayoutError
from tests.support.runtime_image import image
from tests.unit.commands.test_runtime_commands import problem_of


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    error = LayoutError("a name\x1b[2J\nof \udc80 a process", "then\tthis")
    assert error.message == r"a name\x1b[2J\nof \udc80 a process"
    assert error.next_step == r"then\tthis"
    assert str(error).count("\n") == 1


def test_a_plain_message_stays_as_it_is() -> None:
    assert str(LayoutError("no record Block → nothing")) == "no record Block → nothing"


def test_a_type_name_of_a_hostile_root() -> None:
    """The debug root names the type of its table of functions with a control character."""
    made = image()
    at = made.data.index(b"functions\0") + 64  # texts are 64 bytes apart: the type's name follows
    assert made.data[at:].startswith(b"Function\0")
    hostile = made.with_bytes(made.places["root"] + at, b"\x01\0")
    problem = problem_of("jit-blocks --function sum", hostile)
    assert problem.isprintable()
    assert r"Table of \x01" in problem
