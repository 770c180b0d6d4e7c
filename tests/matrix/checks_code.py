"""Checks of the commands about the guest, memops and code."""

from __future__ import annotations

from typing import Any

from tests.matrix.places import guest_symbols
from tests.matrix.truth import Scene, enum, guest_function, mnemonics, named, number

# x86-64's order of numbers, which the host registers x0 to x15 follow.
_GUEST_REGISTERS = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{count}" for count in range(8, 16)),
)
_BFI = 0xB3480F70
"""bfi x16, x27, #56, #4: the core register's tag into the pointer (Arm ARM, C6.2, BFM)."""


def guest_frame(scene: Scene) -> None:
    row = scene.row("guest-frame")
    assert row["in_jit"] is True
    assert row["consistent"] is True
    for count, name in enumerate(_GUEST_REGISTERS):
        assert number(row["gregs"][name]) == scene.registers[f"x{count}"], name
    assert number(row["frame_address"]) == scene.registers["x28"] == scene.frame["at"]
    assert number(row["rip"]) == scene.memop["guest_rip"]
    assert row["host_core_id"] == scene.frame["host_core_id"] == scene.mine
    assert row["r_host_core_id"] == scene.registers["x27"]
    assert scene.frame["rseq"] == 0
    assert row["rseq_core_id"] is None
    (config,) = scene.root["config"]
    assert config["core_id_source"] == enum("CoreIdSource", "Lockstep")
    assert row["owner"] == "core"


def guest_bt(scene: Scene) -> None:
    rows = scene.rows("guest-bt")
    assert number(rows[0]["rip"]) == scene.memop["guest_rip"]
    assert rows[0]["function"] == scene.function == "consumer"
    assert number(rows[0]["host_pc"]) == scene.pc
    assert rows[0]["block"] == scene.block["id"]
    # `consumer` is its thread's first function: no word of its stack leads back into the guest.
    low, size = guest_symbols()["main"]
    stack = bytes.fromhex(scene.stack)
    words = [int.from_bytes(stack[at : at + 8], "little") for at in range(0, len(stack), 8)]
    assert not [word for word in words if low <= word < low + size]
    assert len(rows) == 1


def memop(scene: Scene) -> None:
    _is_memop(scene, scene.row("memop"), scene.memop)
    first, access = scene.row("memop")["instructions"]
    assert (number(first["address"]), number(first["word"])) == (scene.pc - 4, _BFI)
    assert (number(access["address"]), number(access["word"])) == (scene.pc, scene.word(scene.pc))


def memops(scene: Scene) -> None:
    rows = scene.rows("memops")
    assert len(rows) == len(scene.memops)
    for row, raw in zip(rows, scene.memops, strict=True):
        _is_memop(scene, row, raw)
    modes = {row["mode"] for row in rows}
    assert modes == {"Local", "Shared"}  # the scene has memops that were patched


def _is_memop(scene: Scene, row: dict[str, Any], raw: dict[str, Any]) -> None:
    assert (row["id"], row["block"], row["size"]) == (raw["id"], raw["block"], raw["size"])
    assert number(row["address"]) == raw["address"]
    assert number(row["guest_rip"]) == raw["guest_rip"]
    assert raw["access"] == enum("Access", row["access"])
    assert raw["mode"] == enum("Mode", row["mode"])
    assert (row["mode_decoded"], row["consistent"]) == (scene.mode_of(raw), True)
    assert (row["flips"], row["pinned"]) == (raw["flips"], bool(raw["pinned"]))
    assert (row["last_fault"] is None) == (raw["faults"] == 0)


def memop_verify(scene: Scene) -> None:
    assert scene.rows("memop-verify") == []
    assert all(scene.mode_of(raw) == named("Mode", raw["mode"]) for raw in scene.memops)
    assert scene.report("memop-verify")["headline"] == (
        f"{len(scene.memops)} memops: their bytes are as recorded; "
        "1 thread between [1] and [2], none with a stale pair"
    )


def memop_log(scene: Scene) -> None:
    rows = scene.rows("memop-log")
    events = sorted(scene.root["events"], key=lambda event: int(event["clock"]))
    assert len(rows) == len(events)
    for row, raw in zip(rows, events, strict=True):
        assert row["time"] == raw["time"]
        assert row["event"] == named("Event", raw["event"])
        assert row["thread"] == (raw["thread"] or None)
        assert row["memop"] in (None, raw["memop"])
        assert row["address"] is None or number(row["address"]) == raw["address"]
        if row["event"] == "Patch":
            assert (row["old"], row["new"]) == (
                named("Mode", raw["old_value"]),
                named("Mode", raw["new_value"]),
            )
            assert row["memop"] == raw["memop"]
        if row["event"] in ("Fault", "Retag", "Migration", "ThreadStart"):
            assert (row["old"], row["new"]) == (raw["old_value"], raw["new_value"])
    assert {"Fault", "Patch", "ThreadStart", "TierCommit"} == {row["event"] for row in rows}


def jit_block(scene: Scene) -> None:
    row, block = scene.row("jit-block"), scene.block
    offset = scene.pc - block["base"]
    (part,) = [part for part in block["ranges"] if part["begin"] <= offset < part["end"]]
    assert (row["outcome"], row["source"]) == ("range", "debug root")
    assert row["block"]["id"] == block["id"]
    assert number(row["block"]["start"]) == block["base"]
    assert number(row["block"]["end"]) == block["base"] + block["length"]
    assert enum("BlockKind", row["block"]["kind"]) == block["kind"]
    assert number(row["range"]["start"]) == block["base"] + part["begin"]
    assert number(row["range"]["end"]) == block["base"] + part["end"]
    assert enum("RangeKind", row["range"]["kind"]) == part["kind"]
    assert row["range"]["symbol"] == part["symbol"] == row["function"] == scene.function
    assert row["memop"] == scene.memop["id"]
    assert number(row["guest_rip"]) == scene.memop["guest_rip"]


def jit_blocks(scene: Scene) -> None:
    rows = scene.rows("jit-blocks")
    assert len(rows) == len(scene.blocks)
    assert rows == sorted(rows, key=lambda row: number(row["base"]))
    for row, raw in zip(rows, sorted(scene.blocks, key=lambda one: int(one["base"])), strict=True):
        assert (row["id"], row["size"]) == (raw["id"], raw["length"])
        assert row["segment"] == raw["segment"]
        assert number(row["base"]) == raw["base"]
        assert enum("BlockKind", row["kind"]) == raw["kind"]
        assert enum("BlockState", row["state"]) == raw["state"]
        assert row["ranges"] == raw["range_count"]


def jit_segments(scene: Scene) -> None:
    keys = ("capacity", "used", "blocks", "references")
    assert scene.rows("jit-segments") == [
        {"base": f"{raw['base']:#x}", **{key: raw[key] for key in keys}}
        for raw in scene.root["segments"]
    ]


def jit_disas(scene: Scene) -> None:
    rows = scene.rows("jit-disas")
    at = [number(row["address"]) for row in rows]
    words = [number(row["bytes"]) for row in rows]
    assert scene.pc in at
    assert at == list(range(at[0], at[0] + 4 * len(at), 4))
    assert words == [scene.word(address) for address in at]
    said = [row["instruction"].split()[0] for row in rows]
    # The VM's GDB has no disassembler among its Python's modules.
    expected = [".word"] * len(words) if scene.place == "native" else mnemonics(words)
    assert said == expected
    by_address = {raw["address"]: raw for raw in scene.memops}
    for row in rows:
        raw = by_address.get(number(row["address"]))
        assert row["mark"].startswith("=>") == (number(row["address"]) == scene.pc)
        if raw is not None:
            assert row["memop"] == raw["id"]
            assert number(row["guest_rip"]) == raw["guest_rip"]
            assert guest_function(raw["guest_rip"]) == scene.function


def jit_audit(scene: Scene) -> None:
    assert scene.rows("jit-audit") == []
    bases = [(block["base"], block["base"] + block["length"]) for block in scene.blocks]
    assert bases == sorted(bases)
    assert all(slot["operation"] == 0 for slot in scene.root["journal"])
