"""A post-mortem, part by part: what text, JSON and HTML are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.postmortem.cause import suspect
from mtedbg.analysis.postmortem.sections import Section, sections
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.analysis.stacks.registers import registers
from mtedbg.commands import Command, all_commands, find, names
from mtedbg.commands._line import ask
from mtedbg.errors import MtedbgError, UsageError
from mtedbg.report import Part, Report, Span, flat
from mtedbg.reports import heap
from mtedbg.reports import host_calls as calls
from mtedbg.reports import registers as reg

if TYPE_CHECKING:
    from mtedbg.session import Session


def answer(session: Session, line: str, *, as_json: bool = False) -> Report:
    """What a command line answers.

    Args:
        session: where.
        line: the command and its arguments; or `help` and a command, as debuggers have it.
        as_json: whether it is for JSON.

    Raises:
        MtedbgError: whatever stops it.
    """
    name, _, rest = line.strip().partition(" ")
    if name == "help":
        return _help(session, rest.strip())
    command = _command(name)
    return ask(session, command, rest + (" --json" * as_json))[1]


def _command(name: str) -> Command:
    command = find(name)
    if command is None:
        raise UsageError(f"there is no command {name!r}", f"commands: {', '.join(names())}")
    return command


def _help(session: Session, name: str) -> Report:
    """What a command is for; all of them in short where none is named."""
    if name:
        command = _command(name)
        headline = command.summary
        said = command.help.removeprefix(headline).strip("\n").split("\n")
    else:
        headline = "`help NAME` says more of each:"
        said = [f"  {one.name:<14}  {one.summary}" for one in all_commands()]
    lines = tuple((Span(line),) for line in ("", *said))
    return flat("help", session.info, (), picture=lines, headline=headline)


def parts(session: Session, *, whole: bool, as_json: bool = False) -> Iterator[Part]:
    """The parts of the post-mortem, as they are answered.

    Args:
        session: a dead process.
        whole: what a file has room for, figures too.
        as_json: whether they are for JSON.
    """
    for section in sections(session, whole=whole):
        try:
            yield Part(section.title, section.line, _ask(session, section, as_json=as_json))
        except MtedbgError as error:
            yield Part(section.title, section.line, None, error)


def _ask(session: Session, section: Section, *, as_json: bool) -> Report:
    if section.figure:
        return _with_figure(session, section.line)
    if section.part:
        return _OF_FACTS[section.part](session)
    if section.ask is not None:
        return section.ask(session)
    return answer(session, section.line, as_json=as_json)


def _registers(session: Session) -> Report:
    answer = reg.answer(registers(session, session.thread()))
    return Report("registers", session.info, reg.COLUMNS, answer)


def _host_calls(session: Session) -> Report:
    answer = calls.answer(host_calls(session, session.thread()))
    return Report("host-calls", session.info, calls.COLUMNS, answer)


def _heap(session: Session) -> Report:
    found = suspect(fault(session, session.thread()))
    assert found is not None
    pointer, whose = found
    answer = heap.answer(heap_hypotheses(session, pointer), whose)
    return Report("heap", session.info, heap.COLUMNS, answer)


_OF_FACTS = {"registers": _registers, "host-calls": _host_calls, "heap": _heap}


def _with_figure(session: Session, line: str) -> Report:
    """The tagged mappings with the map that a file would get by an option."""
    from mtedbg.analysis.tags.regions import regions

    command = find(line)
    assert command is not None
    return regions(session, command.name, command.columns, figure=True)
