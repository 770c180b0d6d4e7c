"""Libraries with a debug root each, which do not know of each other, and what few JITs tell.

Code of the one has call frame information in place of frame records; code of the other has
functions inlined, is patched, is somebody's, and was moved.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.adoption import Verdict, adoption
from mtedbg.decode.code.details import details_of
from mtedbg.errors import MtedbgError
from mtedbg.lab.vm import Vm
from mtedbg.layout import find_runtimes
from mtedbg.model.absent import or_else
from mtedbg.model.code import Block, Details, Inline, Patch
from mtedbg.session import Session
from tests.jits.frozen import CHANGES, Damaged, damaged, random_patches
from tests.live.test_toy_jit import advice, walked
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.compile import INCLUDE, compiled
from tests.support.cores import parse_facts

LIBRARY = (f"-I{INCLUDE}", "-shared", "-fPIC", "-fvisibility=hidden")
PROGRAM = "-DPROGRAM"
LOAD = 4
MOST_READS = 20_000
INLINED = "get at get.js:5, inlined into field at field.js:13, inlined into loader at two.js:21"


def libraries(*flags: str) -> list[str]:
    """Both of them."""
    names = ("one", "two")
    return [str(compiled("joined_jit", *LIBRARY, *flags, f'-DNAME="{name}"')) for name in names]


def core_of(vm: Vm, folder: Path, *flags: str) -> tuple[Path, dict[str, list[int]]]:
    program = str(compiled("joined_jit", PROGRAM, *flags))
    result = vm.run([program, *libraries(*flags)], env={"PATH": "/usr/bin"}, cores_to=folder)
    return result.cores[0], parse_facts(result.stdout)


def told(session: Any, one: int, two: int) -> None:
    """Both roots are there, and all that their blocks tell."""
    (row,) = answer(session, f"jit-block {one:#x}")["rows"]
    assert (row["source"], row["function"]) == ("debug root", "caller")
    found = answer(session, f"jit-block {two + LOAD:#x}")
    (row,) = found["rows"]
    assert (row["function"], row["line"]) == ("loader", "get.js:5")
    assert [note for note in found["notes"] if "does not apply" not in note] == [
        "inlined here: get, called at field.js:13",
        "inlined here: field, called at two.js:21",
        "code of page 7",
        "patch site inline cache, written 2 times",
        "moved here: it was at 0x1004",
    ]
    found = answer(session, "jit-block 0x1004")
    assert found["rows"][0]["outcome"] == "retired"
    assert f"moved: the code is at {two + LOAD:#x} now" in found["notes"]
    rows = answer(session, f"jit-disas {two:#x} -n 4")["rows"]
    assert [row["mark"] for row in rows if row["address"] != hex(two + LOAD)] == [""] * 3
    assert "patch site inline cache" in rows[1]["mark"]
    assert len(answer(session, "jit-blocks")["rows"]) == 3
    assert answer(session, "jit-audit")["rows"] == []


@pytest.mark.parametrize("flags", [(), ("-s",)], ids=["symbols", "stripped"])
def test_dead(
    lab_vm: Vm, tmp_path: Path, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    core, facts = core_of(lab_vm, tmp_path, *flags)
    (one,), (two,) = facts["one"], facts["two"]
    for session in (
        Session(CoreTarget(core, str(compiled("joined_jit", PROGRAM, *flags)))),
        Session(CoreTarget(core, sysroot="/nonexistent")),
    ):
        told(session, one, two)
        assert walked(session)[:2] == ["loader", "caller"]
    assert advice(capsys, str(core), 0) == []
    for flavour, module in (("gdb18", gdb_session.gdb), ("lldb23", lldb_session.lldb)):
        program = compiled("joined_jit", PROGRAM, *flags)
        with module(flavour, [program, "-c", core]) as debugger:
            told(debugger, one, two)
            shown = debugger.execute("bt")
            assert f"{INLINED} [block 1]" in shown, shown
            if flavour == "gdb18":
                assert shown.index("loader") < shown.index("caller") < shown.index("main"), shown


def structures(session: Session) -> dict[str, tuple[int, int]]:
    """Address and size of what the blocks have for details, and of the heads of the lists."""
    found = {}
    assert isinstance(session.runtimes, tuple)
    for runtime in session.runtimes:
        found[f"root of {runtime.name}"] = (runtime.address, 88)
        (block,) = or_else(runtime.rows("code-map", Block), iter(()))
        details = details_of(runtime, block)
        assert isinstance(details, Details)
        sizes = {kind: runtime.layout.reader(kind).size for kind in (Details, Inline, Patch)}
        found[f"details of {runtime.name}"] = (or_else(block.details, 0), sizes[Details])
        for what, at, size in (
            ("inlines", details.inlines, details.inline_count * sizes[Inline]),
            ("patches", details.patches, details.patch_count * sizes[Patch]),
            ("call frames", details.call_frames, details.call_frames_size),
        ):
            if size:
                found[what] = (at, size)
    return found


def test_damaged(lab_vm: Vm, tmp_path: Path) -> None:
    """Each is answered, by what is right or by what is wrong, in bounded time."""
    core, facts = core_of(lab_vm, tmp_path)
    (one,), (two,) = facts["one"], facts["two"]
    whole = Session(CoreTarget(core, sysroot="/nonexistent"))
    lines = [f"jit-block {two + LOAD:#x}", f"jit-disas {two:#x}", f"jit-block {one + LOAD:#x}"]
    roots = [one.address for one in whole.readable_runtimes()]
    said = Counter[str]()
    for what, place in structures(whole).items():
        few = what.startswith("root")
        for _, patches in random_patches(whole, 14, {what: place}, 40 if few else CHANGES):
            session = damaged(whole, patches)
            # A search of all data each time would take minutes.
            vars(session)["runtimes"] = find_runtimes(session.target, roots)
            for line in lines:
                with suppress(MtedbgError):
                    answer(session, line)
            if what == "call frames":
                walked(session)
            wrong = any(one.verdict is Verdict.WRONG for one in adoption(session))
            said[what] += wrong
            assert cast(Damaged, session.target).reads < MOST_READS
    for what in ("root of one", "root of two", "inlines", "patches", "call frames"):
        assert said[what] >= 20, said


def test_what_is_wrong_is_told(lab_vm: Vm, tmp_path: Path) -> None:
    core, _ = core_of(lab_vm, tmp_path)
    whole = Session(CoreTarget(core, sysroot="/nonexistent"))
    places = structures(whole)
    inlines, patches = places["inlines"][0], places["patches"][0]
    frames, details = places["call frames"][0], places["details of one"][0]
    for at, byte, words in (
        (inlines + 4, 2, "inlined function 0 of block 1: 0x4 to 0x2"),
        (inlines + 32 + 4, 13, "the one around it ends at 0xc"),
        (patches + 8, 64, "patch site 0 of block 1: 64 bytes"),
        (frames + 24 + 8, 0xFF, "none of the range at 0x0"),
        (details + 48, 0, "1 of its ranges need it, and there is none"),
    ):
        rows = list(adoption(damaged(whole, {at: byte})))
        assert any(words in row.what for row in rows), (words, rows)


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
def test_alive(flavour: str) -> None:
    module = lldb_session if flavour in lldb_session.LLDBS else gdb_session
    program = compiled("joined_jit", PROGRAM)
    with module.under_qemu(flavour, program, *libraries()) as (session, process):
        session.execute("continue")
        facts = parse_facts(process.output().encode())
        told(session, *facts["one"], *facts["two"])
        assert f"{INLINED} [block 1]" in session.execute("bt")
