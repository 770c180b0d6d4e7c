"""`jit-disas`: translated code beside the guest's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.code.listing import jit_code

    which = arguments.values["pc|block"]
    return jit_code(session, COMMAND.name, COMMAND.columns, which, count=arguments.n)


COMMAND = Command(
    name="jit-disas",
    summary="Host code around PC, or of a code block, beside the guest instructions it is of.",
    columns=(
        Column("address", Kind.ADDRESS, "of the host instruction"),
        Column("bytes", Kind.TEXT, "its word, eight hexadecimal digits"),
        Column("instruction", Kind.TEXT, "in assembler"),
        Column("guest_rip", Kind.ADDRESS, "its guest instruction, where a memop or range tells it"),
        Column("memop", Kind.COUNT, "id of the memop that it is part of"),
        Column("mark", Kind.TEXT, "=> at the PC, other threads there, [1] [2] of a memop, patches"),
    ),
    run=_run,
    arguments=(
        Argument(
            "PC|BLOCK",
            "an address in translated code, or the id of a block; $pc if left out",
            optional=True,
            offers="BLOCK",
        ),
    ),
    options=(Option("-n", "so many instructions, from PC or the block's beginning", "N", "count"),),
    details=(
        "The guest instruction stands beside the access [2] of its memop, and at the beginning of "
        "a function."
    ),
    example="jit-disas $pc",
)
