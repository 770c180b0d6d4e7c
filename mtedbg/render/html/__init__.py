"""Parts of an answer → one HTML file that needs nothing else: no network and no script.

The page is made by the templates in `templates/`; the Python next to them prepares what they show.
Nothing is escaped by hand: jinja2 escapes whatever a template writes, after its control characters
were made visible, and what a template asks for but was not given is an error. A content security
policy forbids what could load or run. Drawings zoom by radio buttons and CSS.

How to add a drawing: a type in `model/figure.py`; here a file with a view of it, which names its
template, and a case in `view_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mtedbg.dataclass import dataclass, replace
from mtedbg.model.cause import Cause
from mtedbg.model.cell_map import CellMap
from mtedbg.model.figure import Figure, OrderMap, SegmentMap, TagGrid, Timeline
from mtedbg.model.words import counted
from mtedbg.render import clean
from mtedbg.render.bounded import bounded
from mtedbg.render.html.contents import Contents, contents
from mtedbg.render.html.groups import shown_groups
from mtedbg.render.html.order import OrderDrawing, order_drawing
from mtedbg.render.html.reasons import Reasons, reasons
from mtedbg.render.html.segments import SegmentDrawing, segment_drawing
from mtedbg.render.html.tags import Grid, Overview, grid, overview
from mtedbg.render.html.timeline import TimelineDrawing, timeline_drawing
from mtedbg.report import Part, Report

View = Grid | OrderDrawing | Overview | Reasons | SegmentDrawing | TimelineDrawing


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page.

    Attributes:
        title: its heading.
        line: the command that answers it; may be empty.
        error: why there is no answer; empty where there is one.
        headline: above all else.
        view: what is drawn.
        contents: the rows; None where what is drawn shows all of them, or there are none.
        notes: below all else.
    """

    title: str
    line: str
    error: str = ""
    headline: str = ""
    view: View | None = None
    contents: Contents | None = None
    notes: tuple[str, ...] = ()


def render_html(title: str, parts: Sequence[Part], version: str) -> str:
    """One page.

    Args:
        title: what it is about: the name of a core file.
        parts: in order, the cause first.
        version: of this program.
    """
    first = parts[0] if parts else None
    report = first.report if first else None
    cause = first.figure if first else None
    return (
        _templates()
        .get_template("page.html")
        .render(
            headline=report.headline if report else title,
            kind=cause.kind.value if isinstance(cause, Cause) else "",
            about=_about(title, report),
            sections=[_section(_bounded(part)) for part in parts],
            version=version,
        )
    )


def render_triage(
    title: str,
    report: Report,
    times: Sequence[Sequence[float]],
    reports: Mapping[str, Sequence[Part]],
    version: str,
) -> str:
    """The page of a triage: a group a line, which opens.

    Args:
        title: what was read.
        report: a row a group.
        times: when the crashes of each group happened, seconds since 1970.
        reports: what the post-mortem says of exemplars, by their paths.
        version: of this program.
    """
    return (
        _templates()
        .get_template("triage.html")
        .render(
            headline=report.headline,
            about=title,
            notes=report.notes,
            shown=shown_groups(report, times),
            reports={path: list(map(_embedded, some)) for path, some in reports.items()},
            counted=counted,
            version=version,
        )
    )


def _embedded(part: Part) -> Section:
    """A part in a page of several reports: without drawings that a page can have one of."""
    if isinstance(part.figure, Timeline | SegmentMap | CellMap | OrderMap):
        part = replace(part, figure=None)
    made = _section(_bounded(part))
    headline = part.report.headline if part.report is not None else ""
    return made if made.headline else replace(made, headline=headline)


def _bounded(part: Part) -> Part:
    return part if part.report is None else replace(part, report=bounded(part.report))


def _about(title: str, report: Report | None) -> str:
    words = [title]
    if report is not None:
        if report.target.executable:
            words.append(report.target.executable)
        if isinstance(report.target.pid, int):
            words.append(f"process {report.target.pid}")
    return " · ".join(words)


def _section(part: Part) -> Section:
    report = part.report
    if report is None:
        return Section(part.title, part.line, part.error.message if part.error else "")
    view = None if part.figure is None else view_of(part.figure, report.headline)
    if isinstance(view, Reasons):  # its headline is the page's
        return Section(part.title, part.line, view=view)
    return Section(
        part.title,
        part.line,
        headline=report.headline,
        view=view,
        contents=None if view is not None and view.SHOWS_ALL else contents(report),
        notes=report.notes,
    )


def view_of(figure: Figure, title: str) -> View | None:
    """What a template draws of a figure; None where there is nothing to be seen in it.

    Args:
        figure: what is drawn.
        title: what it shows.
    """
    match figure:
        case Cause():
            return reasons(figure)
        case TagGrid():
            return grid(figure, title)
        case CellMap():
            return overview(figure, title)
        case Timeline():
            return timeline_drawing(figure)
        case SegmentMap():
            return segment_drawing(figure)
        case OrderMap():
            return order_drawing(figure)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _visible(value: object) -> object:
    """Whatever a template writes but what another part of a template has made already.

    Text may come from a process: its control characters must not reach whoever reads the page.
    """
    return value if isinstance(value, Markup) else clean(str(value))
