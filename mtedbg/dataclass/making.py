"""How `mtedbg.dataclass` makes classes: see there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import attrgetter
from typing import Any

FIELDS = "__record_fields__"
_INIT = "__init__"
_PLAIN = 16
"""Instances that are made without a compiled `__init__`."""


class _Missing:
    """The default of a field that has none."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


class Field:
    """One field of a class."""

    __slots__ = ("compare", "default", "default_factory", "kw_only", "name", "repr")

    def __init__(
        self,
        default: Any = MISSING,
        default_factory: Any = MISSING,
        kw_only: bool = False,
        compare: bool = True,
        repr: bool = True,  # noqa: A002 - as dataclasses.field has it
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.kw_only = kw_only
        self.compare = compare
        self.repr = repr

    @property
    def required(self) -> bool:
        """Whether an instance cannot be made without it."""
        return self.default is MISSING and self.default_factory is MISSING


def field(**options: Any) -> Any:
    """A field with options; those of `Field`."""
    return Field(**options)


def fields(record: Any) -> tuple[Field, ...]:
    """The fields of a class or of an instance, in order."""
    found: dict[str, Field] = getattr(record, FIELDS)
    return tuple(found.values())


def asdict(record: Any) -> dict[str, Any]:
    """The values by name; those that are instances themselves likewise."""
    values = ((name, getattr(record, name)) for name in getattr(record, FIELDS))
    return {name: asdict(value) if hasattr(value, FIELDS) else value for name, value in values}


def astuple(record: Any) -> tuple[Any, ...]:
    """The values in order; those that are instances themselves likewise."""
    values = (getattr(record, name) for name in getattr(record, FIELDS))
    return tuple(astuple(value) if hasattr(value, FIELDS) else value for value in values)


def replace(record: Any, /, **changes: Any) -> Any:
    """A copy of `record` with other values in some fields."""
    for name in getattr(record, FIELDS):
        if name not in changes:
            changes[name] = getattr(record, name)
    return type(record)(**changes)


def dataclass(
    cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True
) -> Any:
    """Makes a class of its annotations, as `dataclasses.dataclass` does.

    Args:
        cls: the class, where there are no options.
        frozen: whether fields are read only.
        slots: whether instances have no `__dict__`.
        eq: whether instances with equal values are equal.
    """

    def made(given: type) -> type:
        return _made(given, frozen=frozen, slots=slots, eq=eq)

    return made if cls is None else made(cls)


def _made(given: type, *, frozen: bool, slots: bool, eq: bool) -> type:
    own = _own_fields(given)
    cls = _with_slots(given, own) if slots else given
    inherited = (getattr(base, FIELDS, {}) for base in reversed(cls.__mro__[1:]))
    found = {name: one for base in inherited for name, one in base.items()} | own
    setattr(cls, FIELDS, found)
    places = tuple(name for name, one in found.items() if not one.kw_only)
    methods: dict[str, Any] = {"__repr__": _repr, "__match_args__": places}
    if eq:
        compared = tuple(name for name, one in found.items() if one.compare)
        methods |= {"__eq__": _equality(compared), "__hash__": None}
        if frozen:
            methods["__hash__"] = _hashing(compared)
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    if frozen and slots:
        methods |= {"__getstate__": _state, "__setstate__": _restore}
    defined = given.__dict__
    for name, method in methods.items():
        if defined.get(name) is None:
            setattr(cls, name, method)
    setattr(cls, _INIT, _first_init(cls, found, frozen=frozen))
    return cls


def _own_fields(cls: type) -> dict[str, Field]:
    found = {}
    for name, kind in cls.__annotations__.items():
        words = kind if isinstance(kind, str) else repr(kind)
        if words.startswith(("ClassVar", "typing.ClassVar")):
            continue
        default = cls.__dict__.get(name, MISSING)
        one = default if isinstance(default, Field) else Field(default)
        if isinstance(one.default, list | dict | set):
            raise ValueError(f"{cls.__name__}.{name}: instances would share this default")
        one.name = name
        found[name] = one
        if one is default and one.default is MISSING:
            delattr(cls, name)
        elif one is default:
            setattr(cls, name, one.default)
    return found


def _with_slots(cls: type, own: dict[str, Field]) -> type:
    """The same class, made anew: slots have to be there from the beginning."""
    space = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in own and name not in ("__dict__", "__weakref__")
    }
    space["__slots__"] = tuple(own)
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    return made


def _first_init(cls: type, found: dict[str, Field], *, frozen: bool) -> Callable[..., None]:
    """An `__init__` for the first instances; then it puts a compiled one into its place.

    To compile one takes as long as a hundred instances, and of many classes there are only a few.
    Arguments that do not fit are left to the compiled one, which says what is wrong with them.
    """
    places = tuple(name for name, one in found.items() if not one.kw_only)
    made = 0

    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807 - it is one
        nonlocal made
        made += 1
        if made <= _PLAIN and _fit(places, args, values):
            given = dict(zip(places, args, strict=False), **values)
            if _is_whole(found, given):
                _assign(self, found, given)
                return
        real = _compiled_init(cls, found, frozen=frozen)
        setattr(cls, _INIT, real)
        real(self, *args, **values)

    return __init__


def _fit(places: tuple[str, ...], args: tuple[Any, ...], values: dict[str, Any]) -> bool:
    """Whether nothing is given twice, or by a place that there is not."""
    return len(args) <= len(places) and values.keys().isdisjoint(places[: len(args)])


def _is_whole(found: dict[str, Field], given: dict[str, Any]) -> bool:
    """Whether all that is required is given, and nothing that is no field."""
    required = {name for name, one in found.items() if one.required}
    return required <= given.keys() <= found.keys()


def _assign(record: Any, found: dict[str, Field], given: dict[str, Any]) -> None:
    for name, one in found.items():
        if name in given:
            value = given[name]
        else:
            value = one.default if one.default_factory is MISSING else one.default_factory()
        object.__setattr__(record, name, value)
    if hasattr(record, "__post_init__"):
        record.__post_init__()


def _compiled_init(cls: type, found: dict[str, Field], *, frozen: bool) -> Callable[..., None]:
    scope: dict[str, Any] = {"_factory": _FACTORY, "_set": object.__setattr__}
    ordered = [one for one in found.values() if not one.kw_only]
    named = [one for one in found.values() if one.kw_only]
    for before, after in pairwise(ordered):
        if after.required and not before.required:
            raise TypeError(f"{cls.__name__}.{after.name} has no default, but one before it has")
    words = ["self", *(_parameter(one, scope) for one in ordered)]
    words += ["*", *(_parameter(one, scope) for one in named)] if named else []
    lines = [_assignment(cls, one, scope, frozen=frozen) for one in found.values()]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n ".join(lines or ["pass"])
    exec(f"def __init__({', '.join(words)}):\n {body}", scope)  # noqa: S102 - of names of fields
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


_FACTORY = object()
"""The value of a parameter whose field makes its own."""


def _parameter(one: Field, scope: dict[str, Any]) -> str:
    if one.required:
        return one.name
    scope[f"_default_{one.name}"] = _FACTORY if one.default is MISSING else one.default
    return f"{one.name}=_default_{one.name}"


def _assignment(cls: type, one: Field, scope: dict[str, Any], *, frozen: bool) -> str:
    name = value = one.name
    if one.default_factory is not MISSING:
        scope[f"_make_{name}"] = one.default_factory
        value = f"_make_{name}() if {name} is _factory else {name}"
    if not frozen:
        return f"self.{name} = {value}"
    slot: Any = cls.__dict__.get(name)
    if type(slot).__name__ != "member_descriptor":
        return f"_set(self, {name!r}, {value})"
    scope[f"_set_{name}"] = slot.__set__
    return f"_set_{name}(self, {value})"


def _values(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """The values of these fields, as something that can be compared and hashed."""
    return attrgetter(*names) if names else lambda _: ()


def _equality(names: tuple[str, ...]) -> Callable[[Any, Any], bool]:
    values = _values(names)

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - it is one
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(values(self) == values(other))

    return __eq__


def _hashing(names: tuple[str, ...]) -> Callable[[Any], int]:
    values = _values(names)

    def __hash__(self: Any) -> int:  # noqa: N807 - it is one
        return hash(values(self))

    return __hash__


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: Any, name: str, _value: object) -> None:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be set: it is frozen")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: it is frozen")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, FIELDS)]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(self, FIELDS), state, strict=True):
        object.__setattr__(self, name, value)
