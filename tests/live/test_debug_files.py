"""Where files with symbols and lines come from: folders, sections, servers; and which are refused.

A real core, its program stripped in the ways of distributions.
"""

from __future__ import annotations

import lzma
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.core.debuginfod import Debuginfod
from mtedbg.analysis.stacks.host_calls import HostCalls, host_calls
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import present
from mtedbg.session import Session
from tests.support.compile import compiled

OBJCOPY, STRIP = "aarch64-linux-gnu-objcopy", "aarch64-linux-gnu-strip"


@dataclass(frozen=True)
class Died:
    """A core, and its program whole."""

    core: Path
    program: Path
    build_id: str


@pytest.fixture(scope="module")
def died(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> Died:
    program = compiled("calls", "-O2", "-fomit-frame-pointer", "-ldl")
    folder = tmp_path_factory.mktemp("died")
    result = lab_vm.run([str(program), "chain"], cores_to=folder, timeout_s=60)
    (core,) = result.cores
    known = subprocess.run(
        ["aarch64-linux-gnu-readelf", "-n", str(program)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return Died(core, program, known.split("Build ID: ")[1].split()[0])


def run(*words: str | Path) -> None:
    subprocess.run(list(map(str, words)), check=True)


def stripped(died: Died, folder: Path, *, link: str = "") -> Path:
    """The program without symbols and lines, with the name of the file that has them."""
    program = folder / "calls"
    run(STRIP, "-o", program, died.program)
    if link:
        debug = folder / link
        debug.parent.mkdir(exist_ok=True)
        run(OBJCOPY, "--only-keep-debug", died.program, debug)
        run(OBJCOPY, f"--add-gnu-debuglink={debug}", program)
    return program


def calls(died: Died, program: str | Path = "", **more) -> tuple[HostCalls, CoreTarget]:
    target = CoreTarget(died.core, str(program), **more)
    session = Session(target)
    found = host_calls(session, session.current_thread())
    assert isinstance(found, HostCalls)
    return found, target


def has_lines(found: HostCalls) -> bool:
    first = found.frames[0]
    return present(first.source) and first.source.file.endswith("calls.c")


def name(found: HostCalls) -> str:
    return found.frames[0].place.name


@pytest.mark.parametrize("link", ["calls.debug", ".debug/calls.debug", "other-name"])
def test_the_debug_link_leads_to_lines(died: Died, tmp_path: Path, link: str) -> None:
    found, target = calls(died, stripped(died, tmp_path, link=link))
    assert (name(found), has_lines(found)) == ("leaf", True)
    files = {image.debug_file for image in target.images()}
    assert str(tmp_path / link) in files


def test_the_global_folder_of_debug_links(died: Died, tmp_path: Path) -> None:
    """Below the system root, as distributions have it."""
    there = died.program.parent.relative_to("/")
    program = tmp_path / there / "calls"
    program.parent.mkdir(parents=True)
    run(STRIP, "-o", program, died.program)
    debug = tmp_path / "usr/lib/debug" / there / "calls.debug"
    debug.parent.mkdir(parents=True)
    run(OBJCOPY, "--only-keep-debug", died.program, debug)
    run(OBJCOPY, f"--add-gnu-debuglink={debug}", program)
    found, _ = calls(died, sysroot=str(tmp_path))
    assert (name(found), has_lines(found)) == ("leaf", True)


def test_the_folder_of_build_ids(died: Died, tmp_path: Path) -> None:
    program = stripped(died, tmp_path)
    debug = tmp_path / f"usr/lib/debug/.build-id/{died.build_id[:2]}/{died.build_id[2:]}.debug"
    debug.parent.mkdir(parents=True)
    run(OBJCOPY, "--only-keep-debug", died.program, debug)
    found, _ = calls(died, program, sysroot=str(tmp_path))
    assert (name(found), has_lines(found)) == ("leaf", True)


@pytest.mark.parametrize("how", ["build id", "CRC"])
def test_a_file_of_another_program_is_refused(died: Died, tmp_path: Path, how: str) -> None:
    """By the build id where both have one, else by the CRC of the link."""
    program = stripped(died, tmp_path, link="calls.debug")
    other = tmp_path / "calls.debug"
    run(OBJCOPY, "--only-keep-debug", compiled("calls", "-O1", "-ldl"), other)
    if how == "CRC":
        run(OBJCOPY, "--remove-section=.note.gnu.build-id", other)
    found, target = calls(died, program)
    assert not has_lines(found)
    assert name(found) == "calls"
    wanted = "has build id" if how == "build id" else "its CRC differs"
    assert any(wanted in image.remark for image in target.images())


def test_a_link_that_leads_elsewhere_is_not_followed(died: Died, tmp_path: Path) -> None:
    program = stripped(died, tmp_path, link="calls.debug")
    data = program.read_bytes()
    assert data.count(b"calls.debug\0") == 1
    program.write_bytes(data.replace(b"calls.debug\0", b"../ls.debug\0"))
    (tmp_path.parent / "ls.debug").write_bytes((tmp_path / "calls.debug").read_bytes())
    found, _ = calls(died, program)
    assert not has_lines(found)


def test_symbols_that_are_packed_into_the_program(died: Died, tmp_path: Path) -> None:
    """As Fedora does it: names without lines."""
    program = stripped(died, tmp_path)
    mini = tmp_path / "mini"
    run(OBJCOPY, "-S", "--remove-section=.comment", "--keep-symbol=leaf", "--keep-symbol=sized",
        died.program, mini)  # fmt: skip
    packed = tmp_path / "mini.xz"
    packed.write_bytes(lzma.compress(mini.read_bytes()))
    run(OBJCOPY, f"--add-section=.gnu_debugdata={packed}", program)
    found, _ = calls(died, program)
    assert [frame.place.name for frame in found.frames[:2]] == ["leaf", "sized"]
    assert not has_lines(found)


@pytest.mark.parametrize("damage", ["rubbish", "cut", "bomb"])
def test_packed_symbols_that_are_damaged(died: Died, tmp_path: Path, damage: str) -> None:
    program = stripped(died, tmp_path)
    data = {
        "rubbish": b"\xfd7zXZ\0" + bytes(100),
        "cut": lzma.compress(died.program.read_bytes())[:200],
        "bomb": lzma.compress(bytes(1 << 27)),
    }[damage]
    packed = tmp_path / "mini.xz"
    packed.write_bytes(data)
    run(OBJCOPY, f"--add-section=.gnu_debugdata={packed}", program)
    found, _ = calls(died, program)
    assert len(found.frames) > 5
    assert name(found) == "calls"


@dataclass
class Server:
    """A debuginfod server, and what was asked of it.

    Attributes:
        port: on loopback.
        files: by the path of the request.
        asked: paths.
        cut: whether it ends in the middle of a file.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            data = state.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if state.cut else data)

        def log_message(self, *_arguments) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def client(server: Server, folder: Path, *, agree: bool = True, **more: str) -> Debuginfod:
    environment = {"DEBUGINFOD_URLS": server.url, "XDG_CACHE_HOME": str(folder / "cache"), **more}
    return Debuginfod(environment, lambda _urls: agree, lambda *_told: None)


def alone(died: Died, folder: Path) -> Died:
    """The core in a folder without anything else, and an empty system root."""
    place = folder / "alone"
    (place / "root").mkdir(parents=True)
    core = place / "core"
    core.write_bytes(died.core.read_bytes())
    return Died(core, died.program, died.build_id)


def test_a_server_has_the_program_and_its_lines(died: Died, tmp_path: Path, server: Server) -> None:
    lone = alone(died, tmp_path)
    base = f"/buildid/{died.build_id}"
    debug = tmp_path / "debug"
    run(OBJCOPY, "--only-keep-debug", died.program, debug)
    server.files[f"{base}/executable"] = stripped(died, tmp_path).read_bytes()
    server.files[f"{base}/debuginfo"] = debug.read_bytes()
    root = str(lone.core.parent / "root")
    found, target = calls(lone, sysroot=root, debuginfod=client(server, tmp_path))
    assert (name(found), has_lines(found)) == ("leaf", True)
    assert [frame.place.name for frame in found.frames[:4]] == ["leaf", "sized", "third", "second"]
    assert f"{base}/executable" in server.asked
    assert target.remarks == ()
    server.asked.clear()  # again: out of the cache, in the folders that GDB's client has as well
    found, _ = calls(lone, sysroot=root, debuginfod=client(server, tmp_path))
    assert has_lines(found)
    assert not any(died.build_id in path for path in server.asked)
    kept = tmp_path / "cache/debuginfod_client" / died.build_id
    assert {file.name for file in kept.iterdir()} == {"executable", "debuginfo"}


def test_nobody_is_asked_who_was_not_agreed_to(died: Died, tmp_path: Path, server: Server) -> None:
    lone = alone(died, tmp_path)
    root = str(lone.core.parent / "root")
    calls(lone, sysroot=root, debuginfod=client(server, tmp_path, agree=False))
    calls(lone, sysroot=root)
    assert server.asked == []


@pytest.mark.parametrize("case", ["cut", "another", "too large", "gone"])
def test_what_a_server_sends_is_not_believed(
    died: Died, tmp_path: Path, server: Server, case: str
) -> None:
    lone = alone(died, tmp_path)
    path = f"/buildid/{died.build_id}/executable"
    other = compiled("calls", "-O1", "-ldl")
    server.files[path] = (other if case == "another" else died.program).read_bytes()
    server.cut = case == "cut"
    more = {"DEBUGINFOD_MAXSIZE": "1000"} if case == "too large" else {}
    one = client(server, tmp_path, **more)
    if case == "gone":
        one.environment["DEBUGINFOD_URLS"] = "http://127.0.0.1:1"
    found, target = calls(lone, sysroot=str(lone.core.parent / "root"), debuginfod=one)
    assert not has_lines(found)
    assert name(found) == "calls"
    said = [*target.remarks, *(image.remark for image in target.images())]
    wanted = {
        "cut": "cut off",
        "another": "has build id",
        "too large": "more than 1000",
        "gone": "not asked again",
    }[case]
    assert any(wanted in line for line in said), said
