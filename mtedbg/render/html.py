"""Parts of a post-mortem → one HTML file that needs nothing else: no network and no script.

Whatever came from a process is escaped, with its control characters made visible, and a content
security policy forbids what could load or run. Drawings zoom by radio buttons and CSS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mtedbg.model.pointer import strip
from mtedbg.render.html_body import body, text
from mtedbg.render.html_code import code_map
from mtedbg.render.html_style import STYLE
from mtedbg.render.html_tags import grid, overview
from mtedbg.render.html_timeline import timeline
from mtedbg.report import Part, Report, Value

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_html(title: str, parts: Sequence[Part], version: str) -> str:
    """One page.

    Args:
        title: what it is about: the name of a core file.
        parts: in order, the cause first.
        version: of this program.
    """
    reports = {part.report.command: part.report for part in parts if part.report is not None}
    cause = parts[0].report if parts else None
    headline = cause.headline if cause else title
    links = " ".join(
        f'<a href="#part-{number}">{text(part.title)}</a>' for number, part in enumerate(parts)
    )
    sections = "\n".join(_section(number, part, reports) for number, part in enumerate(parts))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{text(headline)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
{_kind(cause)}
<h1>{text(headline)}</h1>
<p class="about">{text(_about(title, cause))}</p>
<nav aria-label="Parts">{links}</nav>
</header>
<main>
{sections}
</main>
<footer>mtedbg {text(version)}</footer>
</body>
</html>
"""


def _kind(cause: Report | None) -> str:
    kind = cause.rows[0].get("kind") if cause and cause.rows else None
    return f'<p><span class="kind">{text(kind)}</span></p>' if isinstance(kind, str) else ""


def _about(title: str, cause: Report | None) -> str:
    words = [title]
    if cause is not None:
        if cause.target.executable:
            words.append(cause.target.executable)
        if isinstance(cause.target.pid, int):
            words.append(f"process {cause.target.pid}")
    return " · ".join(words)


def _section(number: int, part: Part, reports: Mapping[str, Report]) -> str:
    command = f" <code>{text(part.line)}</code>" if part.line else ""
    heading = f'<h2 id="part-{number}">{text(part.title)}{command}</h2>'
    if part.report is None:
        why = part.error.message if part.error else ""
        return f'<section>{heading}<p class="error">{text(why)}</p></section>'
    if number == 0 and part.report.command == "cause":
        return f"<section>{heading}{_reasons(part.report)}</section>"
    drawn, whole = _drawn(part.report, part.line, reports), part.report.command == "mte-tags"
    return f"<section>{heading}\n{body(part.report, part.title, drawn, instead=whole)}</section>"


def _reasons(cause: Report) -> str:
    """What the first line rests on, and what may be behind it, as prose."""
    row = cause.rows[0]
    where = [str(row[key]) for key in ("function", "code") if isinstance(row[key], str)]
    pieces = [f"<p>In <strong>{text(', '.join(where))}</strong>.</p>"] if where else []
    because = "".join(f"<li>{text(reason)}</li>" for reason in _texts(row["because"]))
    if because:
        pieces.append(f"<ul>{because}</ul>")
    guesses = "".join(
        f"<li><strong>{text(guess)}</strong>: {text(why)}</li>"
        for guess, why in _pairs(row["guesses"])
    )
    if guesses:
        pieces.append(
            f"<p>What may be behind it, likeliest first; not certain:</p><ol>{guesses}</ol>"
        )
    return "".join(pieces)


def _texts(value: Value) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, tuple) else []


def _pairs(value: Value) -> list[tuple[str, str]]:
    found = value if isinstance(value, tuple) else ()
    return [(str(one["guess"]), str(one["because"])) for one in found if isinstance(one, Mapping)]


def _drawn(report: Report, line: str, reports: Mapping[str, Report]) -> str:
    """The picture that goes with a report, the answer to a command line."""
    if report.command == "mte-tags":
        asked = re.fullmatch(r"mte-tags (0x[0-9a-f]{1,16})", line)
        return grid(report, strip(int(asked[1], 16)) if asked else None)
    if report.command == "mte-regions":
        return overview(report)
    if report.command == "memop-log":
        return timeline(report)
    if report.command == "jit-segments" and "jit-blocks" in reports:
        return code_map(report, reports["jit-blocks"], reports.get("threads"))
    return ""
