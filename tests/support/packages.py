"""Programs as their users have them: packages of Debian and wheels of PyPI, unpacked.

Nothing is installed: each set lies in a folder of the user's cache, made once, with all that its
packages depend on. AArch64's run under QEMU's user mode with that folder for their libraries.

How to add one: a `Packages` next to the test, with the version of each package that the test is
about; a mirror that has another one fails, since a JIT's layout goes with its version.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtedbg.dataclass import dataclass, field
from mtedbg.lab import apt

LIMIT_S = 900
"""Of one download: a mirror that does not answer must not keep anybody."""
RUN_S = 120
QEMU = ("qemu-aarch64", "-cpu", "max")
_MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
_TAGS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_STATIC = "musllinux_1_2"
_LINKS = {"lib": "usr/lib", "bin": "usr/bin", "sbin": "usr/sbin", "lib64": "usr/lib64"}
_MADE = 1
"""Goes up when sets are laid out in another way."""


@dataclass(frozen=True, slots=True)
class Packages:
    """A set of packages that is unpacked into one folder.

    Attributes:
        name: of the folder.
        debian: packages, and how the version of each begins: "0.3.4"; its epoch is left out.
        suite: of Debian, which they are of.
        wheels: packages of PyPI with their whole versions, for the suite's Python.
        python: that Python, "313"; of wheels alone.
        architecture: as Debian names it.
        static: whether wheels are those whose programs need no library (of musl).
        npm: packages of npm with their whole versions; their files go below `usr`.
    """

    name: str
    debian: Mapping[str, str]
    suite: str = "trixie"
    wheels: Mapping[str, str] = field(default_factory=dict)
    python: str = "313"
    architecture: str = "arm64"
    static: bool = False
    npm: Mapping[str, str] = field(default_factory=dict)


def unpacked(packages: Packages) -> Path:
    """The folder; made where it is not there yet. `PACKAGES.txt` in it names every package."""
    said = [_MADE, packages.suite, packages.python, sorted(packages.debian.items()),
            sorted(packages.wheels.items())]  # fmt: skip
    if packages.architecture != "arm64":
        said += [packages.architecture, packages.static]
    if packages.npm:
        said += [sorted(packages.npm.items())]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtedbg"
    final = cached / f"packages-{packages.name}-{digest}"
    cached.mkdir(parents=True, exist_ok=True)
    with (cached / f".{final.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            with tempfile.TemporaryDirectory(prefix=f".{packages.name}-", dir=cached) as name:
                root = Path(name) / "root"
                _fill(root, packages, Path(name))
                root.rename(final)
    return final


def _fill(root: Path, packages: Packages, work: Path) -> None:
    for short, long in _LINKS.items():  # as in an installed system, or the host's are taken
        (root / long).mkdir(parents=True)
        (root / short).symlink_to(long)
    archives = _debs(packages, work) if packages.debian else []
    for archive in archives:
        # Links like `lib` of the folder are followed, not replaced.
        unpack = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with subprocess.Popen(unpack, stdout=subprocess.PIPE) as tar:
            _run(["tar", "-x", "--keep-directory-symlink", "-C", str(root)], stdin=tar.stdout)
        assert tar.returncode == 0, archive
    show = ["dpkg-deb", "-W", "--showformat=${Package} ${Version}\n"]
    said = "".join(_run([*show, str(archive)]) for archive in archives)
    for line in said.splitlines():
        name, version = line.split()
        wanted = packages.debian.get(name, "")
        has = version.partition(":")[2] or version
        assert has.startswith(wanted), f"the mirror has {name} {version}, the test is of {wanted}"
    for name, version in packages.wheels.items():
        wheel = _wheel(name, version, packages, work)
        with zipfile.ZipFile(wheel) as file:
            file.extractall(root / "usr/lib/python3/dist-packages")
        for script in (root / "usr/lib/python3/dist-packages").glob("*.data/scripts/*"):
            script.chmod(0o755)
            script.rename(root / "usr/bin" / script.name)
        said += f"{wheel.name}\n"
    for name, version in packages.npm.items():
        _run(["npm", "pack", "--silent", "--pack-destination", str(work), f"{name}@{version}"])
        (archive,) = work.glob("*.tgz")
        _run(["tar", "-xzf", str(archive), "--strip-components=1", "-C", str(root / "usr")])
        said += f"{archive.name}\n"
        archive.unlink()
    (root / "PACKAGES.txt").write_text(said)


def _debs(packages: Packages, work: Path) -> list[Path]:
    """The packages and all that they depend on, by an apt that has a state of its own."""
    mirror = apt.mirror()
    assert mirror, "apt does not say where this machine's packages come from"
    entry = f"deb [signed-by={apt.KEYRING}] {mirror} {packages.suite} main"
    has = packages.architecture
    environment = apt.private(work, entry, Architecture=has, Architectures=has)
    _run(["apt-get", "-q", "update"], env=environment)
    install = ["-y", "--no-install-recommends", "--download-only", "install"]
    _run(["apt-get", "-q", *install, *packages.debian], env=environment)
    return sorted((work / "cache/archives").glob("*.deb"))


def _wheel(name: str, version: str, packages: Packages, work: Path) -> Path:
    folder = work / f"wheel-{name}"
    machine = _MACHINES[packages.architecture]
    tags = (_STATIC,) if packages.static else _TAGS
    platforms = [word for tag in tags for word in ("--platform", f"{tag}_{machine}")]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    command += [*platforms, "--python-version", packages.python, "--only-binary=:all:"]
    _run([*command, f"{name}=={version}"])
    (found,) = folder.glob("*.whl")
    return found


def _run(command: Sequence[str], **how: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, **how
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
    return str(done.stdout)


def with_own_libraries(root: Path, program: str) -> list[str]:
    """How a program of an unpacked set is started by its own loader, with its own libraries.

    For the VM, whose libraries are older: all files are where they are on this machine.

    Args:
        root: the set's folder.
        program: by its path in that folder.
    """
    libraries = root / "usr/lib/aarch64-linux-gnu"
    loader = str(libraries / "ld-linux-aarch64.so.1")
    return [loader, "--library-path", str(libraries), str(root / program.lstrip("/"))]


@dataclass(frozen=True, slots=True)
class Died:
    """A program that died under QEMU's user mode.

    Attributes:
        core: the file that QEMU wrote.
        output: what the program printed, with its errors.
    """

    core: Path
    output: str


def died(
    root: Path,
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *options: str,
    seconds: float = RUN_S,
) -> Died:
    """Runs a program of an unpacked set until it dies by a signal.

    Args:
        root: the set's folder.
        argv: the program, by its path in that folder (`/usr/bin/php8.4`), and its arguments.
        folder: where it runs, and where the core comes to; made where it is not there.
        environment: of the program.
        options: more of QEMU's.
        seconds: that it may take.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("*.core"))
    qemu = shutil.which(QEMU[0])
    assert qemu, "qemu-aarch64 is missing: run scripts/setup"
    command = [qemu, *QEMU[1:], "-L", str(root), *options, str(root / argv[0].lstrip("/"))]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *command, *argv[1:]],
        cwd=folder, env={"PATH": "/usr/bin:/bin", **(environment or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        timeout=seconds, check=False,
    )  # fmt: skip
    output = done.stdout.decode("utf-8", "replace")
    made = set(folder.glob("*.core")) - before
    assert len(made) == 1, f"{argv} ended with {done.returncode} and {len(made)} cores: {output}"
    return Died(made.pop(), output)
