"""The program and the libraries of a dead process, and which files stand for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.image import ImageFile

NAME = "images"
COLUMNS = (
    Column("base", Kind.ADDRESS, "where its first page is mapped"),
    Column("name", Kind.TEXT, "the program's or library's path, as the core has it"),
    Column("build_id", Kind.TEXT, "as dumped with its first page"),
    Column("file", Kind.TEXT, "the file that is used for it"),
    Column("debug_file", Kind.TEXT, "the file that its symbols are from"),
    Column("remark", Kind.TEXT, "why none is used, or what is wrong with it"),
)


def answer(images: Iterable[ImageFile]) -> Answer:
    """The images, a row each."""
    return Answer(Table(tuple(map(_row, images))))


def _row(one: ImageFile) -> Row:
    return {
        "base": one.base,
        "name": one.name,
        "build_id": one.build_id or NOT_APPLICABLE,
        "file": one.file or NOT_APPLICABLE,
        "debug_file": one.debug_file or NOT_APPLICABLE,
        "remark": one.remark or NOT_APPLICABLE,
    }
