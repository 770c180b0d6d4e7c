"""From a schema to readers: one compiled `struct.Struct` for each record that is read.

Fields may move, and records grow, from one runtime to the next: nothing here knows an offset.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_type_hints

from mtedbg.dataclass import MISSING, dataclass, field, fields
from mtedbg.errors import LayoutError
from mtedbg.layout.schema import ENUM_WIDTH, WIDTHS, Schema

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_NEXT_STEP = "the runtime and mtedbg may be of different versions; other commands still work"
_NOT_TOLD = "this command is for JITs that tell it (docs/debug-abi.md); others still work"


def record_name(model: type[Any]) -> str:
    """The schema's name of the record that `model` stands for."""
    name = model.RECORD
    assert isinstance(name, str)
    return name


@cache
def _enum_fields(model: type[Any]) -> set[str]:
    """The fields of a model that are enums in the schema: those that are texts here."""
    hints = get_type_hints(model)
    return {name for name, hint in hints.items() if hint is str or str in get_args(hint)}


class Reader(Generic[T]):
    """Decodes records of one kind into instances of a model class.

    Attributes:
        size: bytes of a record, as the schema says.
    """

    def __init__(self, schema: Schema, model: type[T]) -> None:
        self._model = model
        self.name = record_name(model)
        record = schema.records.get(self.name)
        if record is None:
            raise LayoutError(f"the debug root's schema has no record {self.name}", _NEXT_STEP)
        self.size = record.size
        enums = _enum_fields(model)
        self._places: dict[str, tuple[int, int]] = {}
        self._enums: list[tuple[int, Mapping[int, str]]] = []
        wanted = [one for one in fields(model) if self._place(schema, one, one.name in enums)]
        self._names = [one.name for one in wanted]
        for index, one in enumerate(wanted):
            if one.name in enums:
                self._enums.append((index, schema.enums[record.fields[one.name].kind]))
        self._struct, self._order = self._compile()

    def _place(self, schema: Schema, one: Any, is_enum: bool) -> bool:
        """Notes where field `one` is; whether it is there at all."""
        place = schema.records[self.name].fields.get(one.name)
        width = 0
        if place is not None:
            known = place.kind in schema.enums if is_enum else place.kind in WIDTHS
            width = (ENUM_WIDTH if is_enum else WIDTHS[place.kind]) if known else 0
        if place is None or not width:
            if one.default is MISSING:
                what = "no field" if place is None else f"an unknown kind ({place.kind}) for"
                raise LayoutError(
                    f"the debug root's schema has {what} {self.name}.{one.name}", _NEXT_STEP
                )
            return False
        self._places[one.name] = (place.offset, width)
        return True

    def _compile(self) -> tuple[struct.Struct, tuple[int, ...] | None]:
        """A format with the fields in order of offset, and how to bring them into ours."""
        ordered = sorted(range(len(self._names)), key=lambda n: self._places[self._names[n]])
        parts, at = ["<"], 0
        for index in ordered:
            offset, width = self._places[self._names[index]]
            if offset < at:
                raise LayoutError(
                    f"the debug root's schema lets {self.name}.{self._names[index]} overlap",
                    _NEXT_STEP,
                )
            parts.append(f"{offset - at}x{_FORMATS[width]}")
            at = offset + width
        parts.append(f"{self.size - at}x")
        order = tuple(ordered.index(n) for n in range(len(ordered)))
        return struct.Struct("".join(parts)), None if order == tuple(sorted(order)) else order

    def _build(self, raw: tuple[int, ...]) -> T:
        values: list[Any] = [raw[n] for n in self._order] if self._order else list(raw)
        for index, names in self._enums:
            values[index] = names.get(values[index], f"unknown ({values[index]})")
        return self._model(**dict(zip(self._names, values, strict=True)))

    def one(self, data: bytes, offset: int = 0) -> T:
        """The record at `offset` of `data`, which must hold all of it."""
        return self._build(self._struct.unpack_from(data, offset))

    def many(self, data: bytes, stride: int) -> Iterator[T]:
        """All records in `data`, `stride` bytes (at least `size`) from one to the next."""
        if stride == self.size:
            yield from map(self._build, self._struct.iter_unpack(data))
        else:
            for offset in range(0, len(data) - self.size + 1, stride):
                yield self.one(data, offset)

    def columns(
        self, data: bytes, stride: int, names: tuple[str, ...]
    ) -> Iterator[tuple[int | None, ...]]:
        """Some fields of all records in `data`, None for one that is not kept: for a million.

        Args:
            data: the records.
            stride: bytes from one to the next, at least `size`.
            names: of fields that are no enums.
        """
        there = sorted((self._places[name], name) for name in names if name in self._places)
        parts, at = ["<"], 0
        for (offset, width), _ in there:
            parts.append(f"{offset - at}x{_FORMATS[width]}")
            at = offset + width
        form = struct.Struct("".join([*parts, f"{stride - at}x"]))
        rows = form.iter_unpack(data[: len(data) // stride * stride])
        kept = [name for _, name in there]
        if kept == [*names]:
            return rows
        order = [kept.index(name) if name in kept else None for name in names]
        return (tuple(None if n is None else row[n] for n in order) for row in rows)

    def place(self, name: str) -> tuple[int, int]:
        """Offset and width in bytes of a field that this reader reads."""
        return self._places[name]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a command needs of a runtime, so that one missing thing fails one command.

    Attributes:
        models: the records that it reads, with all their required fields.
        contracts: meanings by name, and the value that this reader understands.
        registers: roles that must be assigned.
    """

    models: tuple[type[Any], ...] = ()
    contracts: Mapping[str, str] = field(default_factory=dict)
    registers: tuple[str, ...] = ()

    def __or__(self, other: Requirements) -> Requirements:
        return Requirements(
            tuple(dict.fromkeys(self.models + other.models)),
            {**self.contracts, **other.contracts},
            tuple(dict.fromkeys(self.registers + other.registers)),
        )


class Layout:
    """The layout of one runtime's records, with readers made when they are first asked for."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._readers: dict[type[Any], Reader[Any]] = {}

    def reader(self, model: type[T]) -> Reader[T]:
        """The reader of `model`'s record.

        Raises:
            LayoutError: the schema has no such record, or not every field that is required.
        """
        if model not in self._readers:
            self._readers[model] = Reader(self.schema, model)
        return self._readers[model]

    def require(self, needs: Requirements) -> None:
        """Checks that all of `needs` is there.

        Raises:
            LayoutError: the first thing that is missing or has an unknown meaning.
        """
        for model in needs.models:
            self.reader(model)
        for name, value in needs.contracts.items():
            found = self.schema.contracts.get(name)
            if found is None:
                raise LayoutError(f"the debug root has no contract {name}", _NOT_TOLD)
            if found != value:
                raise LayoutError(
                    f"the debug root's contract {name} is {found}, this reads {value}", _NEXT_STEP
                )
        for role in needs.registers:
            if role not in self.schema.registers:
                raise LayoutError(f"the debug root does not say where {role} is", _NOT_TOLD)
