"""What every debugger is asked at every place: one question a command.

How to add one: a line in `PLAN`, and its check in `checks.py`; a command without them fails.
`{…}` are facts of the scene: `record.py` has them from the debugger itself. Standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 512
"""Bytes around the fault whose tags are asked for granule by granule."""


@dataclass(frozen=True)
class Question:
    """A command line.

    Attributes:
        line: asked with --json.
        text: asked without, for the text to be compared; None where it differs by right.
        changes: whether it changes the process; it is asked after those that do not, and a core
            must refuse it.
    """

    line: str
    text: str | None = ""
    changes: bool = False

    @property
    def plain(self) -> str | None:
        """The line that is asked without --json."""
        return self.line if self.text == "" else self.text


PLAN = {
    "guest-bt": Question("guest-bt"),
    "guest-frame": Question("guest-frame"),
    "jit-audit": Question("jit-audit"),
    "jit-block": Question("jit-block $pc"),
    "jit-blocks": Question("jit-blocks"),
    "jit-disas": Question("jit-disas $pc"),
    "jit-segments": Question("jit-segments"),
    "memop": Question("memop $pc"),
    "memop-log": Question("memop-log -n 1000"),
    "memop-verify": Question("memop-verify"),
    "memops": Question("memops"),
    "mte-catch": Question("mte-catch retag", changes=True),
    "mte-check": Question("mte-check ${base}"),
    "mte-ctl": Question("mte-ctl", text=None),  # QEMU's stub knows less of it
    "mte-fault": Question("mte-fault"),
    "mte-find": Question(f"mte-find {{tag}} {{window}} {WINDOW}"),
    "mte-regions": Question("mte-regions", text=None),  # as far as the time goes
    "mte-set": Question("mte-set ${base} 8 {mine}", changes=True),
    "mte-step": Question("mte-step", changes=True),
    "mte-tags": Question(f"mte-tags {{window}} {WINDOW} --granules", text="mte-tags ${base}"),
}
