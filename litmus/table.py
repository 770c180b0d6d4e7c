"""The litmus files and the verdicts that their table (`README.md`) expects."""

import re
from dataclasses import dataclass
from pathlib import Path

from mtedbg.errors import LabError

FOLDER = Path(__file__).resolve().parent
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| (.+) \| \**(Always|Sometimes|Never)\** \|$", re.MULTILINE)


@dataclass(frozen=True)
class Expected:
    """A row of the table.

    Attributes:
        file: the litmus file.
        what: what it is about; the file says the same.
        verdict: of its condition: "Always", "Sometimes" or "Never".
    """

    file: Path
    what: str
    verdict: str


def expected() -> list[Expected]:
    """All rows, each with its file.

    Raises:
        LabError: table and files do not go together.
    """
    rows = _ROW.findall((FOLDER / "README.md").read_text())
    table = [Expected(FOLDER / f"{name}.litmus", what, verdict) for name, what, verdict in rows]
    named, there = {row.file.stem for row in table}, {p.stem for p in FOLDER.glob("*.litmus")}
    if len(named) != len(table) or named != there:
        raise LabError(f"not in both table and folder: {', '.join(sorted(named ^ there))}")
    for row in table:
        check_form(row)
    return table


def check_form(row: Expected) -> None:
    """Looks at a file as far as that goes without herd7.

    Raises:
        LabError: its name, its line of explanation, its columns or its condition are not in order.
    """
    lines = row.file.read_text().splitlines()
    code = [line for line in lines if line.endswith(";") and "|" in line]
    wrong = (
        lines[0] != f"AArch64 {row.file.stem}"
        or lines[1] != f'"{row.what}"'
        or not code
        or len({line.count("|") for line in code}) != 1
        or not lines[-1].startswith("exists (")
        or any(line.count("(") != line.count(")") for line in lines)
    )
    if wrong:
        raise LabError(f"{row.file.name} is not a litmus file as the table has it")
