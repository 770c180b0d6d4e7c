"""The verdicts that herd7 gave, kept in `verdicts.json` for those who do not run it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent / "verdicts.json"


@dataclass(frozen=True)
class Verdict:
    """What herd7 said of one file.

    Attributes:
        sha256: of the file's contents.
        verdict: "Always", "Sometimes" or "Never".
    """

    sha256: str
    verdict: str


@dataclass(frozen=True)
class Record:
    """One run of herd7 over all files.

    Attributes:
        herd7: its version.
        variant: of the model, as `-variant` takes it.
        date: of the run, "2026-01-31".
        files: file name without its ending, to what was said of it.
    """

    herd7: str
    variant: str
    date: str
    files: Mapping[str, Verdict]


def digest(file: Path) -> str:
    """The digest that a record has of `file`."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def read(file: Path = FILE) -> Record:
    """The recorded run."""
    kept = json.loads(file.read_text("utf-8"))
    kept["files"] = {name: Verdict(**said) for name, said in kept["files"].items()}
    return Record(**kept)


def write(record: Record, file: Path = FILE) -> None:
    """Keeps `record`."""
    file.write_text(json.dumps(asdict(record), indent=1) + "\n", "utf-8")
