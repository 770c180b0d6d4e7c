"""Goes to the scene in one debugger and writes down what it and mtedbg say there.

The scene: a memop of JIT code has faulted on memory that is another core's, after others were
patched. It is found by registers and tags as the debugger has them. What mtedbg answers is only
written down here; it is judged elsewhere, by what the debugger said itself.

Runs inside a debugger of the VM as well: the standard library alone.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from tests.matrix.plan import PLAN, WINDOW, Question
from tests.matrix.walk import Layout, Walker

GRANULE, PAGE = 16, 4096
DATA = 1024
"""Bytes of the guest's data whose tags are read, one by one."""
SHARED = 0
CORE_REGISTER = "x27"
MOST_FAULTS = 64
REGISTERS = [*(f"x{number}" for number in range(31)), "sp", "pc"]
ADDRESS_BITS = (1 << 56) - 1
BEGINS = '{\n "schema"'

Recording = dict[str, Any]


class Debugger(Protocol):
    """What is asked of a debugger: its own commands, and those of mtedbg."""

    def to_next_fault(self) -> None:
        """Lets the program run to its next SIGSEGV."""

    def execute(self, line: str) -> str:
        """What a command prints; raises `RefusedError` where it fails."""

    def registers(self, names: list[str]) -> dict[str, int]:
        """Of the selected thread."""

    def read(self, address: int, length: int) -> bytes:
        """Memory."""

    def tag(self, address: int) -> int:
        """An allocation tag."""

    def symbol(self, name: str) -> int:
        """An address."""

    def control(self) -> int:
        """What the debugger calls the selected thread's control word."""


class RefusedError(Exception):
    """A command failed; the message is the debugger's."""


def base_register(word: int) -> int:
    """Number of the register that a load or store goes by (Arm ARM, C4.1: Rn, bits 9:5)."""
    return word >> 5 & 31


def pointer_of(debugger: Debugger) -> tuple[str, int]:
    """The base register of the instruction at the PC, and its value."""
    (pc,) = debugger.registers(["pc"]).values()
    name = f"x{base_register(int.from_bytes(debugger.read(pc, 4), 'little'))}"
    return name, debugger.registers([name])[name]


def to_the_scene(debugger: Debugger) -> int:
    """Runs to the first fault on another core's memory; returns how many faults that took."""
    for count in range(1, MOST_FAULTS):
        debugger.to_next_fault()
        _, pointer = pointer_of(debugger)
        mine = debugger.registers([CORE_REGISTER])[CORE_REGISTER]
        if debugger.tag(pointer & ADDRESS_BITS) not in (SHARED, mine):
            return count
    raise AssertionError("no fault on another core's memory")


def record(debugger: Debugger, layout: Layout, data: int, *, dead: bool) -> Recording:
    """What the debugger and mtedbg say of a process at the scene.

    Args:
        debugger: there.
        layout: of the debug root's header.
        data: an address of the guest's data.
        dead: whether it is a core.
    """
    scene = observed(debugger, layout)
    page = data // PAGE * PAGE
    scene["data"] = {at: debugger.tag(at) for at in range(page, page + DATA, GRANULE)}
    facts = {key: hex(value) for key, value in scene.items() if isinstance(value, int)}
    facts["base"] = scene["base"]
    lines = {name: question.line.format(**facts) + " --json" for name, question in PLAN.items()}
    answers, texts = {}, {}
    for name, question in PLAN.items():
        if not question.changes or dead:
            answers[name] = ask(debugger, lines[name])
        if not question.changes and question.plain is not None:
            texts[name] = said(debugger, question.plain.format(**facts))
    if not dead:
        answers["mte-set"] = ask(debugger, lines["mte-set"])
        scene["after_set"] = tags_of(debugger, scene["window"])
        debugger.execute(f"mte-set ${scene['base']} 8 {scene['tag']}")
        answers["mte-catch"] = ask(debugger, lines["mte-catch"])
        answers["mte-step"] = ask(debugger, lines["mte-step"])
        scene["stepped_to"] = debugger.registers(["pc"])["pc"]
        debugger.execute("continue")
        scene["caught_at"] = debugger.registers(["pc"])["pc"]
    return scene | {"answers": answers, "texts": texts}


def observed(debugger: Debugger, layout: Layout) -> Recording:
    """The scene by the debugger's own means."""
    base, pointer = pointer_of(debugger)
    registers = debugger.registers(REGISTERS)
    window = (pointer & ADDRESS_BITS) // 256 * 256
    tags = tags_of(debugger, window)
    walker = Walker(debugger.read, layout)
    root = walker.root(debugger.symbol("mtedbg_root"))
    (frame,) = walker.records("GuestFrame", registers["x28"])
    for block in root["code-map"]:
        block["code"] = debugger.read(block["base"], block["length"]).hex()
    return {
        "base": base,
        "pointer": pointer,
        "registers": registers,
        "window": window,
        "tags": tags,
        "tag": tags[(pointer & ADDRESS_BITS) // GRANULE * GRANULE],
        "mine": registers[CORE_REGISTER],
        "root": root,
        "frame": frame,
        "control": debugger.control(),
        "stack": debugger.read(registers["x4"], 64).hex(),
    }


def tags_of(debugger: Debugger, window: int) -> dict[int, int]:
    return {at: debugger.tag(at) for at in range(window, window + WINDOW, GRANULE)}


def ask(debugger: Debugger, line: str) -> dict[str, Any]:
    """The report that a line with --json gives, or `{"error": …}`."""
    try:
        printed = debugger.execute(line)
    except RefusedError as error:
        return {"error": str(error)}
    # Over its machine interface GDB puts announcements of its own before the answer.
    answer = json.loads(printed[printed.index(BEGINS) :])
    assert isinstance(answer, dict)
    return answer


def said(debugger: Debugger, line: str) -> str:
    try:
        return debugger.execute(line)
    except RefusedError as error:
        return f"error: {error}"


__all__ = ["PLAN", "Debugger", "Question", "Recording", "RefusedError", "record", "to_the_scene"]
