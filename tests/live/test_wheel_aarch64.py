"""The package's wheel on AArch64: the same answers, by a Python and a GDB of that machine.

QEMU's user mode runs both. `make aarch64` asks every question, and runs all of it in a VM as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.golden.cases import Question, questions, unpacked
from tests.support import aarch64
from tests.support.compile import ROOT

LOG = (
    "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0b00007b5b1d4b30\n"
    "    #00 pc 0000000000001234  /system/lib64/libfoo.so (foo+16)\n"
)
MANY = """
import json, sys
from pathlib import Path
from tests.golden import cases
from tests.golden.helps import without_help
for one in cases.questions():
    if str(one) in sys.argv[2:]:
        folder = Path(sys.argv[1], one.core)
        found = without_help(cases.answer(one, folder / "core"))
        print(json.dumps([str(one), found == one.expected.read_text("utf-8")]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    make = [sys.executable, ROOT / "scripts/make_wheel.py", "--core", folder]
    subprocess.run(make, check=True, capture_output=True)
    (wheel,) = folder.glob("mtedbg-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def mtedbg(site: Path, folder: Path, *words: str) -> tuple[str, str]:
    """What the program prints there, which has to be what it prints here."""
    module = ("-P", "-m", "mtedbg", *words)
    there = aarch64.run("python3", *module, folder=folder, sites=[site])
    assert there.returncode == 0, there.stderr
    here = subprocess.run(
        [sys.executable, *module], cwd=folder, stdin=subprocess.DEVNULL,
        env={"HOME": str(folder), "PYTHONPATH": str(site)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (there.stdout, there.stderr) == (here.stdout, here.stderr)
    return there.stdout, there.stderr


def test_a_dead_process(site: Path, tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path).name
    said, _ = mtedbg(site, tmp_path, "core", core, "--sysroot", "empty")
    assert "in       main" in said
    assert "heap" in said


def test_texts_and_many_of_them(site: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    assert "tag" in mtedbg(site, tmp_path, "explain", "log")[0]
    words = ("triage", "log", "--fresh", "--state", "state", "--workers", "1")
    assert "1 file, 1 signature" in mtedbg(site, tmp_path, *words)[0]


def test_gdb_there(site: Path, tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path)
    loader = site / "mtedbg/_data/gdbinit/mtedbg_gdb.py"
    words = ("-nx", "-batch", "-x", loader, "-c", core, "-ex", "mte-fault", "-ex", "mte-tags $x0")
    done = aarch64.run("gdb", *words, folder=tmp_path)
    assert "tag check fault (synchronous)" in done.stdout
    assert "memory tag" in done.stdout
    assert "mtedbg" not in done.stderr


def asked(found: list[Question], folder: Path) -> list[str]:
    """Asks them in one process there; those that are answered otherwise than here."""
    for core in {one.core for one in found}:
        (folder / core).mkdir()
        unpacked(core, folder / core)
    words = ("-c", MANY, folder, *map(str, found))
    done = aarch64.run("python3", *words, folder=folder, sites=[ROOT], timeout_s=3000)
    assert done.returncode == 0, done.stderr
    answers = dict(json.loads(line) for line in done.stderr.splitlines() if line[:1] == "[")
    assert answers.keys() == {str(one) for one in found}
    return [name for name, same in answers.items() if not same]


def test_answers_are_the_same_to_the_byte(tmp_path: Path) -> None:
    everything = [one for one in questions() if not one.html]
    cores = ("heap", "runtime-thunk")
    assert asked([one for one in everything if one.core in cores][::9], tmp_path) == []
