"""The shell commands that install Debian packages here, from the machine's own mirror.

The standard library alone: `scripts/setup` uses this before anything is installed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Releases whose own QEMU is older than 9.1, and whose backports have a newer one.
OLD_QEMU = frozenset({"bookworm"})


def on_debian() -> bool:
    """Whether this is Debian: others with apt name their packages and mirrors differently."""
    return _os_release("ID") == "debian" and shutil.which("apt-get") is not None


def commands(packages: Sequence[str]) -> list[str]:
    """Shell commands, in order, that install `packages`; prefixed with sudo where not root.

    Suites are addressed by what apt itself fetches from, so that no mirror is written down here.
    """
    if not packages:
        return []
    sudo = "" if os.geteuid() == 0 else "sudo "  # there is apt: this is no Windows
    install = f"{sudo}apt-get install -y --no-install-recommends"
    qemu = [name for name in packages if name.startswith("qemu-")]
    rest = [name for name in packages if name not in qemu]
    codename = _os_release("VERSION_CODENAME")
    lines = []
    if any(name.endswith(":arm64") for name in rest) and not _has_arm64():
        lines.append(f"{sudo}dpkg --add-architecture arm64")
    if qemu and codename in OLD_QEMU:
        suite = f"{codename}-backports"
        lines += _enable(suite, sudo)
        install_qemu = f"{install} -t {suite}"
    else:
        install_qemu = install
    lines.append(f"{sudo}apt-get update")
    # The release's own first: backports would bring newer libraries that these do not go with.
    if rest:
        lines.append(" ".join([install, *rest]))
    if qemu:
        lines.append(" ".join([install_qemu, *qemu]))
    return lines


def mirror() -> str | None:
    """Where apt fetches this machine's own release from; None where it does not say."""
    codename = _os_release("VERSION_CODENAME")
    found = re.search(rf"^'(\S+)/dists/{codename}/", _fetched(), re.MULTILINE)
    return found.group(1) if found else None


def private(work: Path, entry: str, **settings: str) -> dict[str, str]:
    """The environment of an apt with a state of its own, where nothing is installed.

    Args:
        work: an empty folder for its lists and packages; archives come to `cache/archives`.
        entry: the line of its sources.list.
        settings: of APT, `Architecture` for one.
    """
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    sources = work / "sources.list"
    sources.write_text(f"{entry}\n")
    lines = {
        "Dir::State": str(work / "state"),
        "Dir::State::status": str(work / "state/status"),
        "Dir::Cache": str(work / "cache"),
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "/dev/null",
        **{f"APT::{name}": value for name, value in settings.items()},
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    # Options on the command line come too late for the list of architectures.
    config = work / "apt.conf"
    config.write_text("".join(f'{key} "{value}";\n' for key, value in lines.items()))
    return {**os.environ, "APT_CONFIG": str(config)}


def _enable(suite: str, sudo: str) -> list[str]:
    """The command that adds `suite` to apt's sources; none where it is there."""
    address = mirror()
    if f"/dists/{suite}/" in _fetched() or address is None:
        return []
    options = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
    line = f"deb {options}{address} {suite} main"
    return [f"echo '{line}' | {sudo}tee /etc/apt/sources.list.d/{suite}.list"]


def _fetched() -> str:
    return _run(["apt-get", "--print-uris", "update"])


def _has_arm64() -> bool:
    known = ("--print-foreign-architectures", "--print-architecture")
    return any("arm64" in _run(["dpkg", word]).split() for word in known)


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _os_release(field: str) -> str:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{field}=\"?([^\"\n]*)\"?$", text, re.MULTILINE)
    return found.group(1) if found else ""
