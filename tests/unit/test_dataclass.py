"""`mtedbg.dataclass` against the standard library's, in all that this project uses of it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, ClassVar

import pytest

from mtedbg.dataclass import making as ours

BOTH = pytest.mark.parametrize("lib", [dataclasses, ours], ids=["standard", "ours"])


def example(lib: Any, **options: bool) -> Any:
    class Example:
        KIND: ClassVar[str] = "example"

        number: int
        text: str = "none"
        numbers: list[int] = lib.field(default_factory=list)
        hidden: int = lib.field(default=0, compare=False, repr=False)
        named: int = lib.field(default=7, kw_only=True)

        @property
        def twice(self) -> int:
            """What a class may have beside fields."""
            return 2 * self.number

    return lib.dataclass(**options)(Example)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    a: int
    b: tuple[int, ...] = ()


@ours.dataclass(frozen=True, slots=True)
class Ours:
    a: int
    b: tuple[int, ...] = ()


@BOTH
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("slots", [False, True])
def test_instances(lib: Any, frozen: bool, slots: bool) -> None:
    made = example(lib, frozen=frozen, slots=slots)
    one, other = made(3), made(3, "none", [], 9, named=7)
    assert (one.number, one.text, one.numbers, one.hidden, one.named) == (3, "none", [], 0, 7)
    assert one == other
    assert one != made(4)
    assert one != (3, "none", [], 7)
    assert one.numbers is not other.numbers
    assert (one.twice, made.KIND, one.KIND) == (6, "example", "example")
    said = repr(one).rpartition(".")[2]
    assert said == "Example(number=3, text='none', numbers=[], named=7)"
    assert hasattr(one, "__dict__") is not slots
    assert made.__match_args__ == ("number", "text", "numbers", "hidden")


@BOTH
def test_frozen_fields_cannot_be_set_or_deleted(lib: Any) -> None:
    one = example(lib, frozen=True, slots=True)(1)
    with pytest.raises(AttributeError):
        one.number = 2
    with pytest.raises(AttributeError):
        del one.number
    free = example(lib)(1)
    free.number = 2
    assert free.number == 2


@BOTH
def test_hashes(lib: Any) -> None:
    @lib.dataclass(frozen=True, slots=True)
    class Key:
        a: int
        b: str = ""

    assert len({Key(1), Key(1, ""), Key(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(example(lib)(1))
    assert hash(example(lib, eq=False)(1))
    with pytest.raises(TypeError, match="unhashable"):
        hash(example(lib, frozen=True)(1))  # of a list in it


@BOTH
@pytest.mark.parametrize(
    ("args", "named"),
    [((), {}), ((1, "a", [], 0, 7), {}), ((1,), {"number": 1}), ((1,), {"other": 1})],
)
def test_wrong_arguments(lib: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    made = example(lib, frozen=True, slots=True)
    for _ in range(2):
        with pytest.raises(TypeError, match="__init__"):
            made(*args, **named)
    assert made(1).number == 1


@BOTH
def test_a_class_without_fields(lib: Any) -> None:
    @lib.dataclass
    class Empty:
        pass

    assert Empty() == Empty()
    with pytest.raises(TypeError, match="__init__"):
        Empty(1)


@BOTH
def test_every_instance_is_made_alike(lib: Any) -> None:
    made = example(lib, frozen=True, slots=True)
    for number in range(40):  # the first ones are made in another way
        one = made(number, hidden=2, named=number)
        assert (one.number, one.text, one.numbers, one.hidden) == (number, "none", [], 2)
        assert one == made(number, named=number)


@BOTH
def test_methods_of_the_class_are_kept(lib: Any) -> None:
    @lib.dataclass(frozen=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

    assert (repr(Own(1)), Own(1) == 2, hash(Own(1))) == ("mine", True, 5)


@BOTH
def test_post_init(lib: Any) -> None:
    @lib.dataclass
    class Counted:
        a: int
        b: int = 0

        def __post_init__(self) -> None:
            self.b = self.a + 1

    assert Counted(4).b == 5


@BOTH
def test_a_class_may_add_to_another(lib: Any) -> None:
    @lib.dataclass(frozen=True, slots=True)
    class Base:
        a: int

    @lib.dataclass(frozen=True, slots=True)
    class More(Base):
        b: int = 2

    assert repr(More(1)).endswith("More(a=1, b=2)")
    assert More(1) == More(1, 2)
    assert Base(1) != More(1)
    assert [one.name for one in lib.fields(More)] == ["a", "b"]


@BOTH
def test_what_cannot_be_a_class(lib: Any) -> None:
    with pytest.raises(ValueError, match="default"):

        @lib.dataclass
        class Shared:
            a: list[int] = []  # noqa: RUF012 - it is to be refused


@pytest.mark.parametrize("made", [Standard, Ours])
@pytest.mark.parametrize("there_and_back", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy])
def test_copies(made: Any, there_and_back: Any) -> None:
    one = made(1, (2, 3))
    again = there_and_back(one)
    assert again == one
    assert (again.a, again.b) == (1, (2, 3))


@BOTH
def test_replace_and_fields(lib: Any) -> None:
    made = example(lib, frozen=True, slots=True)
    one = made(1, named=3)
    assert lib.replace(one, text="x") == made(1, "x", named=3)
    with pytest.raises(TypeError, match="other"):
        lib.replace(one, other=1)
    assert [field.name for field in lib.fields(one)] == [
        "number", "text", "numbers", "hidden", "named",
    ]  # fmt: skip
    first, second = lib.fields(made)[:2]
    assert (first.default is lib.MISSING, second.default) == (True, "none")


@BOTH
def test_plain_values(lib: Any) -> None:
    @lib.dataclass(frozen=True, slots=True)
    class Inner:
        a: int

    @lib.dataclass(frozen=True, slots=True)
    class Outer:
        b: Inner
        c: str = "x"

    assert lib.asdict(Outer(Inner(1))) == {"b": {"a": 1}, "c": "x"}
    assert lib.astuple(Outer(Inner(1))) == ((1,), "x")


@BOTH
def test_patterns(lib: Any) -> None:
    match example(lib, frozen=True)(3, "x"):
        case object(number=3, text=text):
            assert text == "x"
        case _:
            pytest.fail("no match")
