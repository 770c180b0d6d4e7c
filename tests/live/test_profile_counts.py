"""Executions in profiles: counted right, kept when a signal ends the process, shown by function."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.analysis.memops.need import summary
from mtedbg.cli import main
from mtedbg.formats.profile import read_profile
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from mtedbg.model.profile import MemopKey, ProfileAccess, ProgramProfile
from tests.live.test_runtime_guests import run
from tests.support import signals

DEADLINE_S = 60


def only(path: Path) -> ProgramProfile:
    (program,) = read_profile(path.read_bytes(), str(path)).programs
    return program


def executions(path: Path) -> dict[MemopKey, int | None]:
    return {key: facts.executions for key, facts in only(path).memops.items()}


@pytest.mark.parametrize("guest", ["lz", "programs"])
def test_every_access_is_counted_once(tmp_path: Path, guest: str) -> None:
    """Where memory is nobody's each access faults: the handler counts them as well."""
    file = tmp_path / "profile.json"
    options = f"--policy interpret --data-start nobody --profile-out {file}"
    assert run(options, guest).returncode == 0
    memops = only(file).memops
    assert sum(facts.faults for facts in memops.values()) > 1000
    assert any(facts.executions == 0 for facts in memops.values())
    read_only = {key: facts for key, facts in memops.items() if facts.faults != facts.executions}
    # Only what reads constants: those pages are everybody's.
    assert {facts.access for facts in read_only.values()} <= {ProfileAccess.LOAD}
    assert len(read_only) < len(memops) / 10
    assert all(facts.faults < (facts.executions or 0) for facts in read_only.values())


@pytest.mark.parametrize(
    "options",
    ["--step 3", "--tier-up 2", "--tier-up 1 --tier-scope program", "--threads threads"],
)
def test_other_code_of_a_program_counts_the_same(tmp_path: Path, options: str) -> None:
    """What one thread runs does not depend on polls, tiers and modes; no code is lost."""
    plain, other = tmp_path / "plain", tmp_path / "other"
    assert run(f"--profile-out {plain}", "lz").returncode == 0
    assert run(f"{options} --profile-out {other}", "lz").returncode == 0
    assert executions(plain) == executions(other)


def test_the_summary_is_that_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "profile.json"
    done = run(f"--profile-summary --profile-out {file}", "queue")
    assert main(["profile", "show", str(file)]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    assert done.stderr == f"mtetso: {said}\n"
    assert said.startswith("of ")


class Endless:
    """A guest that runs until it is told to stop, and the profiles that it writes into a pipe.

    Args:
        folder: where the pipe is made.
        threads: the runtime's `--threads`.
        more: other options of it.
    """

    END = b"\n}\n"

    def __init__(self, folder: Path, threads: str, *more: str) -> None:
        pipe = folder / "profile"
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        options = ["--threads", threads, "--profile-every", "1", "--profile-out", str(pipe)]
        guest = [str(paths.guests() / "stress.elf"), "MP", "1000000000"]
        argv = [*signals.FRESH, "qemu-aarch64", "-cpu", "max", str(paths.runtime())]
        self.process = subprocess.Popen(
            [*argv, *options, *more, *guest],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._ended = os.pidfd_open(self.process.pid)
        self._text = b""

    def __enter__(self) -> Endless:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        os.close(self._ended)
        os.close(self._pipe)

    def profile(self) -> bytes:
        """The next one; nothing where the process ended without another."""
        while self.END not in self._text:
            ready, _, _ = select.select([self._pipe, self._ended], [], [], DEADLINE_S)
            assert ready
            if self._pipe in ready:
                self._text += os.read(self._pipe, 1 << 16)
            elif self._ended in ready:
                return b""
        one, self._text = self._text.split(self.END, 1)
        return one + self.END

    def last(self) -> bytes:
        """The last one before the process ended."""
        found = b""
        while more := self.profile():
            found = more
        return found


@pytest.mark.parametrize(
    ("number", "threads"),
    [
        (signal.SIGINT, "lockstep"),
        (signal.SIGTERM, "threads"),
        (signal.SIGHUP, "threads"),
    ],
)
def test_a_signal_leaves_a_profile(tmp_path: Path, number: signal.Signals, threads: str) -> None:
    """One is written each second, and one more when the signal has come: the process ends by it."""
    with Endless(tmp_path, threads) as guest:
        while not read_profile(early := guest.profile(), "pipe").programs:
            pass  # the first one may come before the program is loaded
        guest.process.send_signal(number)
        late = guest.last()
        assert guest.process.wait(DEADLINE_S) == -number
    (before,), (after,) = (read_profile(text, "pipe").programs for text in (early, late))
    assert total(before) < total(after)


def test_a_signal_s_summary_is_that_of_the_file(tmp_path: Path) -> None:
    """Threads run on while the file is written."""
    with Endless(tmp_path, "threads", "--profile-summary") as guest:
        while not read_profile(guest.profile(), "pipe").programs:
            pass
        guest.process.send_signal(signal.SIGTERM)
        last = read_profile(guest.last(), "pipe")
        assert guest.process.wait(DEADLINE_S) == -signal.SIGTERM
        assert guest.process.stderr is not None
        said = guest.process.stderr.read().decode()
    assert said == f"mtetso: {summary(last)}\n"


def total(program: ProgramProfile) -> int:
    return sum(facts.executions or 0 for facts in program.memops.values())


@pytest.mark.parametrize(("guest", "status"), [("badaddress", 71), ("unsupported", 68)])
def test_a_guest_that_fails_leaves_a_profile(tmp_path: Path, guest: str, status: int) -> None:
    file = tmp_path / "profile-%p.json"
    assert run(f"--profile-out {file}", guest, "1").returncode == status
    (written,) = tmp_path.iterdir()
    assert re.fullmatch(r"profile-\d+\.json", written.name)
    assert total(only(written)) > 0


def test_functions_and_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each access is in the function that the symbol table has there."""
    file, guest = tmp_path / "profile.json", paths.guests() / "queue.elf"
    page = tmp_path / "page.html"
    assert run(f"--profile-out {file}", "queue").returncode == 0
    root = tmp_path / "root/usr/bin"
    root.mkdir(parents=True)
    (root / guest.name).symlink_to(guest)
    line = ["profile", "show", str(file), "--sysroot", str(tmp_path / "root"), "-n", "1000"]
    assert main([*line, "--json", "--html", str(page)]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = {row["function"]: row for row in report["rows"]}
    wanted: dict[str, int] = defaultdict(int)
    with guest.open("rb") as opened:
        symbols = [
            one
            for one in ELFFile(opened).get_section_by_name(".symtab").iter_symbols()
            if one["st_info"]["type"] == "STT_FUNC"
        ]
    symbols.sort(key=lambda one: one["st_value"])
    starts = [one["st_value"] for one in symbols]
    for key, facts in only(file).memops.items():
        wanted[symbols[bisect_right(starts, key.rip) - 1].name] += facts.executions or 0
    assert {name: row["executions"] for name, row in rows.items()} == wanted
    assert report["headline"].startswith("order is needed in ")
    assert "consumer" in report["headline"]
    assert "queue.c:" in rows["consumer"]["line"]
    assert [row["in_order"] for row in report["rows"]] == sorted(
        (row["in_order"] for row in report["rows"]), reverse=True
    )
    assert 'class="in-order"' in page.read_text()
    assert main(line[:3]) == 0
    assert "note: order is needed in " in capsys.readouterr().out
    file.write_text(file.read_text().replace(str(guest), "/nonexistent/queue.elf"))
    assert main([*line[:3], "--guest", str(paths.guests() / "lz.elf")]) == 0
    assert "no file is of build" in capsys.readouterr().out


def test_memops_in_a_debugger_and_a_core_have_executions(tmp_path: Path, lab_vm: Vm) -> None:
    """They are in the process's memory: a core has them."""
    guest = str(paths.guests() / "queue.elf")
    argv = [str(paths.runtime()), "--count", "--abort-at", "patch-half:9", guest]
    (core,) = lab_vm.run(argv, cores_to=tmp_path, timeout_s=60).cores
    file = tmp_path / "profile.json"
    where = ["core", str(core), "--sysroot", "/x", "-x"]
    assert main([*where, f"memops --sort executions --export {file}"]) == 0
    counts = executions(file)
    assert None not in counts.values()
    assert max(count or 0 for count in counts.values()) >= 10
