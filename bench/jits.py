"""`jit-block` on cores of JITs from packages: opened anew, and asked again; processor time."""

from __future__ import annotations

import lzma
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.lab import Lab
from bench.result import Row, Target, processor_seconds, time_text
from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.jits import jits
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, present
from mtedbg.session import Session
from tests.jits import engines, translators
from tests.support.elf_core import with_memory
from tests.support.jit_packages import python
from tests.support.packages import died
from tests.support.translated import FOLDER, luajit

ROUNDS = 5
COLD_MS, WARM_MS = 300, 5
HEAP_AT, HEAP_MIB = 0x7F00_0000_0000, 300


@dataclass(frozen=True, slots=True)
class Case:
    """A core with code of a JIT.

    Attributes:
        name: of the JIT.
        core: the file.
        opened: opens it.
        where: what is asked for: `$pc`, or an address in its code.
        says: what the answer has in it.
    """

    name: str
    core: Path
    opened: Callable[[], Session]
    where: str
    says: str


def _python(name: str, program: str, *arguments: str) -> Callable[[Path], Case]:
    """The worst of files: QEMU's, in which no mapping has a name, and all data is searched."""

    def make(folder: Path) -> Case:
        core = python(program, folder, *arguments).core
        return Case(name, core, lambda: Session(CoreTarget(str(core))), "$pc", "inner")

    return make


def _erlang(folder: Path) -> Case:
    """Erlang's modules, frozen, and 300 MB of a heap in front of them: all data is searched."""
    whole = lzma.decompress((engines.CORES / "erlang-27.core.xz").read_bytes())
    heap = random.Random(27).randbytes(1 << 20) * HEAP_MIB
    path = folder / "core"
    path.write_bytes(with_memory(whole, HEAP_AT, heap))
    return Case("BeamAsm of OTP 27", path, lambda: Session(CoreTarget(str(path))), "$pc", "foldl")


def _luajit(folder: Path) -> Case:
    root = luajit()
    argv = ["/usr/bin/luajit", str(FOLDER / "freed.lua")]
    environment = {"LUA_PATH": f"{root}/usr/share/luajit-2.1/?.lua"}
    core = died(root, argv, folder, environment).core
    program = str(root / "usr/bin/luajit")
    return Case(
        "LuaJIT", Path(core), lambda: Session(CoreTarget(str(core), program)), "$pc", "freed.lua"
    )


def _engine(name: str, kind: str, made: Callable[[Path], engines.Dead]) -> Callable[[Path], Case]:
    """A core of the VM's kernel, and the first piece of code of a kind; `$pc` where it is empty."""

    def make(folder: Path) -> Case:
        dead = made(folder)

        def opened() -> Session:
            return Session(CoreTarget(str(dead.core), str(dead.program), str(dead.files)))

        if not kind:
            return Case(name, dead.core, opened, "$pc", name.partition(" ")[0])
        # Others may be in the process: PHP has PCRE2.
        found, code = next(
            (found, code)
            for found in jits(opened())
            if not isinstance(found.jit, Absent)
            for code in found.jit.blocks().codes
            if code.kind == kind
        )
        assert present(code.block)
        return Case(name, dead.core, opened, f"{code.block.start:#x}", str(found.source))

    return make


CASES = (
    _python("wasmtime", "wasm_fault.py", "none"),
    _python("LLVM's MCJIT", "llvm_fault.py"),
    _erlang,
    _luajit,
    _engine("box64 0.4.3", "", translators.freed),
    _engine("SpiderMonkey 128", "", partial(engines.wasm, engines.MOZJS_128)),
    _engine("HotSpot 21", "nmethod", lambda folder: engines.java(folder, "0x100000000000")),
    _engine("V8 of node 20", "baseline", partial(engines.node, engines.NODE_20)),
    _engine("V8 of node 24", "baseline", partial(engines.node, engines.NODE_24)),
    _engine("PHP's functions", "function", partial(engines.php, mode="function")),
    _engine("PHP's traces", "root trace", engines.php),
)


def measure(_lab: Lab) -> Iterator[Row]:
    """The JITs whose processes are large, or of which much is searched."""
    command = find("jit-block")
    assert command
    for make in CASES:
        with tempfile.TemporaryDirectory() as folder:
            case = make(Path(folder))
            size = case.core.stat().st_size >> 20

            def opened(case: Case = case) -> Session:
                session = case.opened()
                assert case.says in execute(session, command, case.where)
                return session

            session = opened()
            again = partial(execute, session, command, f"{case.where}+4")
            cold = min(processor_seconds(opened) for _ in range(ROUNDS))
            warm = min(processor_seconds(again) for _ in range(ROUNDS))
        for state, taken, bound in (("cold", cold, COLD_MS), ("warm", warm, WARM_MS)):
            yield Row(
                f"{case.name}, a core of {size} MB, {state}",
                time_text(taken),
                verdict=Target(bound, "ms").verdict(taken * 1e3),
            )
