"""A validated debug root: what it names, and how to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mtedbg.dataclass import dataclass, field, replace
from mtedbg.errors import LayoutError
from mtedbg.layout.memory import RecordArray, read_name, read_text
from mtedbg.layout.records import Layout, record_name
from mtedbg.layout.root import Root
from mtedbg.layout.schema import Schema
from mtedbg.layout.slots import SlotArray, read_slots
from mtedbg.layout.table import Snapshot, TableReader, most_bytes
from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import Config, Form, Named
from mtedbg.target import Target

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_MOST_PROBLEMS = 8
"""Malformed lines of a schema that are told."""


@dataclass(frozen=True)
class NamedRoot:
    """Where something hangs: the record's name, the form (a `Form`), address and shape."""

    record: str
    form: str
    address: int
    count: int
    stride: int


@dataclass(frozen=True)
class Runtime:
    """One runtime of the process.

    Attributes:
        address: of its root.
        name: as the runtime calls itself.
        state: a `RuntimeState`, or one that is not known here.
        target: the process.
        layout: of its records.
        named: what hangs on the root, by name.
        config: how it was started.
        problems: what was wrong and could be left out, one line each.
    """

    address: int
    name: str
    state: str
    target: Target
    layout: Layout
    named: Mapping[str, NamedRoot]
    live: bool
    config: Config | Absent
    problems: tuple[str, ...] = ()
    _tables: dict[tuple[str, bool], Any] = field(default_factory=dict, compare=False, repr=False)
    """Tables of a dead process, which do not change: with what `table` was asked."""
    _slots: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Tables in slots: right while nothing is published in them."""

    @property
    def registers(self) -> Mapping[str, str]:
        """Host registers by role ("frame" → "x28") in translated code."""
        return self.layout.schema.registers

    @property
    def shared_tag(self) -> int | Absent:
        """The tag of shared memory."""
        return then(self.config, lambda config: config.shared_tag)

    def table(self, name: str, model: type[T], *, whole: bool = False) -> Snapshot[T] | Absent:
        """The newest whole generation of the table called `name`.

        Args:
            name: of the root, "code-map".
            model: of its records.
            whole: whether all records will be asked for; else they are searched.

        Raises:
            LayoutError: the schema lacks what reading it takes.
        """
        root = self._root(name, model, Form.TABLE, Form.SLOTS)
        if isinstance(root, Absent):
            return root
        if root.form == Form.SLOTS:
            return self._in_slots(name, model, root.address, whole)
        if (name, whole) not in self._tables or self.live:
            most = most_bytes(whole)
            reader = TableReader(self.target, self.layout, model, root.address, self.live, most)
            self._tables[name, whole] = reader.read()
        found: Snapshot[T] | Absent = self._tables[name, whole]
        return found

    def _in_slots(
        self, name: str, model: type[T], address: int, whole: bool
    ) -> Snapshot[T] | Absent:
        """The same of a table in slots; what is whole is in the order that its model names."""
        known: SlotArray[T] | None = self._slots.get(name)
        array = read_slots(self.target, self.layout, model, address, live=self.live, known=known)
        if isinstance(array, Absent):
            return array
        if array is not known:
            self._slots[name] = array
            self._tables.pop((name, True), None)
        generation = array.slots.published
        if not whole:
            return Snapshot(array, generation)
        if (name, True) not in self._tables or self.live:
            found = array.whole(getattr(model, "ORDER", ""))
            self._tables[name, True] = then(
                found, lambda parts: Snapshot(parts[0], generation, parts[1], parts[2])
            )
        snapshot: Snapshot[T] | Absent = self._tables[name, True]
        return snapshot

    def rows(self, name: str, model: type[T]) -> Iterator[T] | Absent:
        """All records of the table called `name`, in its order; errors as for `table`.

        Where a record is lost, that is damage: whoever can do with the rest asks for the table.
        """
        found = self.table(name, model, whole=True)
        if not isinstance(found, Absent) and found.damage:
            return Absent(Reason.DAMAGED, found.damage)
        return then(found, lambda snapshot: snapshot.records.all())

    def array(self, name: str, model: type[T]) -> RecordArray[T] | Absent:
        """The array (or the one record) called `name`; errors as for `table`."""
        root = self._root(name, model, Form.ARRAY, Form.RECORD)
        if isinstance(root, Absent):
            return root
        if root.form == Form.RECORD:
            return self.records(model, root.address, 1)
        return self.records(model, root.address, root.count, root.stride)

    def first(self, name: str, model: type[T]) -> T | Absent:
        """The first record of the array called `name`; errors as for `table`."""
        array = self.array(name, model)
        if isinstance(array, Absent):
            return array
        return array.get(0) if array.count else Absent(Reason.NOT_RECORDED, f"an empty {name}")

    def record(self, model: type[T], address: int) -> T | Absent:
        """The record at `address`."""
        return then(self.records(model, address, 1), lambda array: array.get(0))

    def text(self, address: int, length: int) -> str | Absent:
        """The `length` bytes of text at `address`, as far as a name is ever long."""
        return read_text(self.target, address, length)

    def text_if_any(self, address: int | Absent, length: int | Absent) -> str:
        """The same of fields that a record may lack; empty where there is none."""
        if isinstance(address, Absent) or isinstance(length, Absent):
            return ""
        found = self.text(address, length)
        return "" if isinstance(found, Absent) else found

    def values(self, enum: str) -> Mapping[int, str]:
        """The names of an enum's values, as the schema has them; none where it lacks the enum."""
        return self.layout.schema.enums.get(enum, {})

    def records(
        self, model: type[T], address: int, count: int, stride: int | None = None
    ) -> RecordArray[T] | Absent:
        """`count` records at `address`, `stride` bytes apart (None: as large as they are)."""
        reader = self.layout.reader(model)
        found = RecordArray(
            self.target, reader, strip(address), count, reader.size if stride is None else stride
        )
        problem = found.problem()
        return Absent(Reason.DAMAGED, problem) if problem else found

    def _root(self, name: str, model: type[T], *forms: str) -> NamedRoot | Absent:
        root = self.named.get(name)
        if root is None:
            return Absent(Reason.NOT_RECORDED, f"the debug root names no {name}")
        if root.record != record_name(model) or root.form not in forms:
            return Absent(Reason.DAMAGED, f"{name} is a {root.form} of {root.record}")
        return root


def make_runtime(target: Target, root: Root, schema: Schema) -> Runtime:
    """The runtime of a root that passed its checks, and has a schema.

    Raises:
        LayoutError: the array of names is damaged, or the schema does not tell its form.
    """
    layout = Layout(schema)
    live = not target.info().is_dead
    try:
        named, problems = _named(target, layout, root)
    except LayoutError as error:
        told = "; ".join((error.message, *schema.problems[:1]))
        raise LayoutError(f"debug root at {root.address:#x}: {told}", error.next_step) from None
    where = f"debug root at {root.address:#x}"
    problems += tuple(f"{where}: {one}" for one in schema.problems[:_MOST_PROBLEMS])
    unread = Absent(Reason.NOT_RECORDED)
    runtime = Runtime(
        root.address, root.name, root.state, target, layout, named, live, unread, problems
    )
    return replace(runtime, config=_config(runtime))


def _named(
    target: Target, layout: Layout, root: Root
) -> tuple[dict[str, NamedRoot], tuple[str, ...]]:
    reader = layout.reader(Named)
    array = RecordArray(target, reader, strip(root.named), root.named_count, reader.size)
    problem = array.problem()
    if problem:
        raise LayoutError(problem)
    records = array.all()
    if isinstance(records, Absent):
        raise LayoutError(f"the array of names at {root.named:#x} cannot be read: {records}")
    named: dict[str, NamedRoot] = {}
    problems: list[str] = []
    for number, record in enumerate(records):
        name, kind = read_name(target, record.name), read_name(target, record.type_name)
        if isinstance(name, Absent) or isinstance(kind, Absent):
            problems.append(f"debug root at {root.address:#x}: name {number} cannot be read")
        else:
            named[name] = NamedRoot(kind, record.form, record.address, record.count, record.stride)
    return named, tuple(problems)


def _config(runtime: Runtime) -> Config | Absent:
    try:
        return runtime.first("config", Config)
    except LayoutError as error:
        return Absent(Reason.DAMAGED, error.message)
