"""Where the scene is played: QEMU's user mode, the VM behind two servers, inside it, and a core.

How to add one: a context manager that yields a `Debugger` at the scene, and a line in `PLACES`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elftools.elf.elffile import ELFFile

from mtedbg.lab import debuggers, gdbserver, paths, user
from mtedbg.lab.vm import Vm
from tests.matrix.controllers import GdbController, LldbController
from tests.matrix.record import Debugger, Recording, record, to_the_scene
from tests.matrix.walk import Layout
from tests.support import lldb_in_vm
from tests.support.compile import BUILT, PROGRAMS, ROOT, link_once
from tests.support.gdb_session import GDBS, gdb
from tests.support.lldb_session import LLDBS, connect, lldb

GUEST = "message"
OPTIONS = ("--cores", "2", "--data-start", "shared")
LIMIT_S = 120.0
NATIVE_LIMIT_S = 600.0
IN_THE_VM = ROOT / "tests/matrix/in_the_vm.py"


def program() -> list[str]:
    """The runtime and the guest: small, and repeatable to the instruction."""
    return [str(paths.runtime()), *OPTIONS, str(paths.guests() / f"{GUEST}.elf"), "1"]


@cache
def layout() -> Layout:
    """Where the C header puts things, by the C compiler."""
    return parse_layout(layout_file().read_text())


@cache
def layout_file() -> Path:
    """The same as text, for those who have no compiler."""
    include = ROOT / "native/include"
    source = PROGRAMS / "root_layout.c"
    digest = hashlib.sha256(source.read_bytes())
    for header in sorted(include.rglob("*.h")):
        digest.update(header.read_bytes())
    folder = BUILT / digest.hexdigest()[:16]
    program, written = folder / "root_layout", folder / "root_layout.txt"
    link_once(program, ["cc", "-std=c11", f"-I{include}", str(source)])
    if not written.exists():
        text = subprocess.run([str(program)], check=True, capture_output=True).stdout
        with tempfile.TemporaryDirectory(dir=folder) as work:
            (Path(work) / "layout").write_bytes(text)
            (Path(work) / "layout").rename(written)
    return written


def parse_layout(text: str) -> Layout:
    lines = [line.split() for line in text.splitlines()]
    return {name: (int(offset), int(size)) for name, offset, size in lines}


@cache
def guest_symbols() -> dict[str, tuple[int, int]]:
    """Address and size of the guest's own symbols."""
    with (paths.guests() / f"{GUEST}.elf").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {
            symbol.name: (symbol["st_value"], symbol["st_size"])
            for symbol in table.iter_symbols()
            if symbol.name
        }


def guest_data() -> int:
    """An address of the guest's data."""
    return guest_symbols()["published"][0]


@dataclass(frozen=True)
class Dead:
    """The kernel's core of a process that died at the scene."""

    core: Path


@contextlib.contextmanager
def in_user_mode(flavour: str) -> Iterator[Debugger]:
    argv = program()
    with user.start(argv) as process:
        if flavour in GDBS:
            with gdb(flavour, [argv[0]]) as session:
                session.execute(f"target remote {process.socket}")
                session.execute("handle SIGSEGV stop print pass")
                yield GdbController(session, by_packet=True)
        else:
            with lldb(flavour, [argv[0]]) as lldb_session:
                connect(lldb_session, f"unix-connect://{process.socket}")
                yield LldbController(lldb_session, by_packet=True)


@contextlib.contextmanager
def behind_gdbserver(vm: Vm, flavour: str) -> Iterator[Debugger]:
    argv = program()
    with gdbserver.serve(vm, argv) as port:
        if flavour in GDBS:
            with gdb(flavour, [argv[0]]) as session:
                session.execute(f"target remote 127.0.0.1:{port}")
                session.execute("handle SIGSEGV stop print pass")
                yield GdbController(session, by_packet=True)
        else:
            with lldb(flavour, [argv[0]]) as lldb_session:
                connect(lldb_session, f"connect://127.0.0.1:{port}")
                yield LldbController(lldb_session, by_packet=True)


@contextlib.contextmanager
def behind_lldb_server(vm: Vm, flavour: str) -> Iterator[Debugger]:
    argv = program()
    with lldb_in_vm.serve(vm, argv) as port, lldb(flavour, [argv[0]]) as session:
        connect(session, f"connect://127.0.0.1:{port}")
        yield LldbController(session, by_packet=True)


@contextlib.contextmanager
def on_the_core(flavour: str, dead: Dead) -> Iterator[Debugger]:
    arguments = [program()[0], "--core", dead.core]
    if flavour in GDBS:
        with gdb(flavour, arguments) as session:
            yield GdbController(session)
    else:
        with lldb(flavour, arguments) as lldb_session:
            yield LldbController(lldb_session)


def die_at_the_scene(vm: Vm, folder: Path) -> Dead:
    """The kernel's core: at the scene the handler is taken out, and the signal let through."""
    argv = program()
    port = gdbserver.start(vm, argv)
    try:
        with gdb("gdb18", [argv[0]]) as session:
            session.execute(f"target remote 127.0.0.1:{port}")
            session.execute("handle SIGSEGV stop print pass")
            to_the_scene(GdbController(session))
            session.execute("call ((void *(*)(int, void *)) signal)(11, (void *) 0)")
            stop = session.resume("signal SIGSEGV")
            assert stop.reason == "exited-signalled", stop
    finally:
        result = vm.finish(cores_to=folder, timeout_s=LIMIT_S)
    (core,) = result.cores
    return Dead(core)


def native(vm: Vm) -> Recording:
    """By Debian's GDB inside the VM: the recorder runs there too."""
    layout()
    script = debuggers.gdb(
        *("-nx", "-q", "-batch", "-iex", "set auto-load no", "-x", str(IN_THE_VM)),
        *("--args", *program()),
    )
    environment = debuggers.GDB_ENVIRONMENT | {
        "MTEDBG_LAYOUT": str(layout_file()),
        "MTEDBG_DATA": hex(guest_data()),
    }
    result = vm.run(script, env=environment, timeout_s=NATIVE_LIMIT_S)
    assert result.exit_status == 0, (result.stdout, result.stderr)
    recording = json.loads(result.stdout.decode().rpartition("recording: ")[2])
    assert isinstance(recording, dict)
    return recording


def play(place: str, flavour: str, vm: Callable[[], Vm], dead: Callable[[], Dead]) -> Recording:
    """The recording of one debugger at one place."""
    if place == "native":
        return native(vm())
    if place == "core":
        with on_the_core(flavour, dead()) as debugger:
            return _plain(record(debugger, layout(), guest_data(), dead=True))
    where = {
        "user": lambda: in_user_mode(flavour),
        "vm": lambda: behind_gdbserver(vm(), flavour),
        "server": lambda: behind_lldb_server(vm(), flavour),
    }[place]
    with where() as debugger:
        to_the_scene(debugger)
        return _plain(record(debugger, layout(), guest_data(), dead=False))


def _plain(recording: Recording) -> Recording:
    """As if it had come from the VM: numbers that are keys are strings in JSON."""
    plain = json.loads(json.dumps(recording))
    assert isinstance(plain, dict)
    return plain


EVERYONE = [*GDBS, *LLDBS]
PLACES = {
    **{f"{flavour}-{place}": (place, flavour)
       for place in ("user", "vm", "core") for flavour in EVERYONE},
    **{f"{flavour}-server": ("server", flavour) for flavour in LLDBS},
    "gdb13-native": ("native", "gdb13"),
}  # fmt: skip
"""Readable name to place and debugger."""
