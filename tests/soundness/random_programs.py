"""Random programs and what herd7 says that they may end with: `random_programs.json`.

`python -m tests.soundness.random_programs` makes that file anew, with herd7 from `make litmus`.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from litmus import herd
from tests.soundness.steps import Access, Fence, Form, Step
from tests.soundness.tso import Kind, Op, Outcome, Program

FILE = Path(__file__).with_suffix(".json")
COUNT = 24
TIMEOUT_S = 120
KINDS = (Kind.READ, Kind.READ, Kind.WRITE, Kind.WRITE, Kind.EXCHANGE, Kind.FENCE)
Forms = Sequence[Sequence[Form]]

_WORDS = {
    (Kind.READ, Form.PLAIN): "LDR W{to},[X{cell}]",
    (Kind.READ, Form.ORDERED): "LDAPR W{to},[X{cell}]",
    (Kind.WRITE, Form.PLAIN): "MOV W9,#{value} | STR W9,[X{cell}]",
    (Kind.WRITE, Form.ORDERED): "MOV W9,#{value} | STLR W9,[X{cell}]",
    (Kind.EXCHANGE, Form.ATOMIC): "MOV W9,#{value} | SWPAL W9,W{to},[X{cell}]",
    (Kind.FENCE, Form.PLAIN): "DMB SY",
}


def numbered(kinds: Sequence[Sequence[tuple[Kind, int]]]) -> Program:
    """A program in which no two stores have one value."""
    value = iter(range(1, 100))
    return tuple(
        tuple(Op(k, cell, 0 if k in (Kind.READ, Kind.FENCE) else next(value)) for k, cell in thread)
        for thread in kinds
    )


@dataclass(frozen=True)
class RandomProgram:
    """A program of two or three threads on two cells, and the form of each of its accesses."""

    program: Program
    forms: Forms

    def steps(self) -> list[Step]:
        """The program as the model of Arm takes it, one thread after the other."""
        return [
            Fence(thread) if op.kind is Kind.FENCE else Access(thread, op, form)
            for thread, ops in enumerate(self.program)
            for op, form in zip(ops, self.forms[thread], strict=True)
        ]

    def litmus(self) -> str:
        """The same as herd7 takes it: cells x and y in X0 and X1, what is read from X2 on."""
        lines: list[list[str]] = []
        seen: list[str] = []
        for thread, ops in enumerate(self.program):
            column = []
            for op, form in zip(ops, self.forms[thread], strict=True):
                to = 2 + sum(place.startswith(f"{thread}:") for place in seen)
                if op.reads:
                    seen.append(f"{thread}:X{to}")
                text = _WORDS[op.kind, form].format(to=to, cell=op.cell, value=op.value)
                column += text.split(" | ")
            lines.append(column)
        rows = max(map(len, lines))
        columns = [[f"P{i}", *c, *[""] * (rows - len(c))] for i, c in enumerate(lines)]
        code = "\n".join(" | ".join(row) + " ;" for row in zip(*columns, strict=True))
        registers = "".join(f"{i}:X0=x; {i}:X1=y;\n" for i in range(len(self.program)))
        places = " ".join(f"{place};" for place in [*seen, "x", "y"])
        return f"AArch64 random\n{{\n{registers}}}\n{code}\nlocations [{places}]\nforall (true)\n"

    def by_herd(self) -> frozenset[Outcome]:
        """The outcomes that herd7 gives."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "program.litmus"
            file.write_text(self.litmus())
            words = [*herd.command(), str(file)]
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
            )
        found = set()
        for line in re.findall(r"^(?:\d+:X|\[x\]).*;$", done.stdout, re.MULTILINE):
            values = {k: int(v) for k, v in re.findall(r"(\d+:X\d+|\[[xy]\])=(\d+);", line)}
            reads = tuple(
                tuple(v for k, v in sorted(values.items()) if k.startswith(f"{i}:"))
                for i in range(len(self.program))
            )
            found.add(Outcome(reads, (values["[x]"], values["[y]"])))
        assert found, done.stdout + done.stderr
        return frozenset(found)


def drawn(seed: int) -> RandomProgram:
    """One program; which one depends on `seed` and on Python's generator alone."""
    draw = random.Random(seed)
    program = numbered(
        [
            [(draw.choice(KINDS), draw.randrange(2)) for _ in range(draw.randint(1, 2))]
            for _ in range(draw.randint(2, 3))
        ]
    )
    special = {Kind.EXCHANGE: Form.ATOMIC, Kind.FENCE: Form.PLAIN}
    forms = [
        [special.get(op.kind) or draw.choice([Form.PLAIN, Form.ORDERED]) for op in ops]
        for ops in program
    ]
    return RandomProgram(program, forms)


@dataclass(frozen=True)
class Recorded:
    """A program, and what herd7 said of it.

    Attributes:
        program: the program.
        sha256: of the text that herd7 got.
        outcomes: each as text, sorted.
    """

    program: RandomProgram
    sha256: str
    outcomes: tuple[str, ...]


def digest(program: RandomProgram) -> str:
    """The digest that a record has of what herd7 gets."""
    return hashlib.sha256(program.litmus().encode()).hexdigest()


def in_words(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Outcomes as a record has them."""
    return tuple(sorted(map(str, outcomes)))


def recorded() -> list[Recorded]:
    """The programs of the record, with their outcomes."""
    return [
        Recorded(
            RandomProgram(
                numbered(
                    [[(Kind[op["kind"]], op["cell"]) for op in ops] for ops in one["threads"]]
                ),
                [[Form[op["form"]] for op in ops] for ops in one["threads"]],
            ),
            one["sha256"],
            tuple(one["outcomes"]),
        )
        for one in json.loads(FILE.read_text("utf-8"))["programs"]
    ]


def main() -> int:
    """Asks herd7 and keeps what it says."""
    programs = []
    for program in map(drawn, range(COUNT)):
        threads = [
            [
                {"kind": op.kind.name, "cell": op.cell, "form": form.name}
                for op, form in zip(ops, program.forms[thread], strict=True)
            ]
            for thread, ops in enumerate(program.program)
        ]
        outcomes = in_words(program.by_herd())
        programs.append({"threads": threads, "sha256": digest(program), "outcomes": outcomes})
    kept = {"herd7": herd.version(), "programs": programs}
    FILE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
