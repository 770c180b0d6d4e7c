"""Fetches Debian packages and unpacks them, without installing: nothing here needs root."""

import re
import subprocess
import tempfile
from pathlib import Path

from mtedbg.errors import LabError, ToolMissingError

# What dpkg and dpkg-deb are to say of a package: enough to find its source.
PROVENANCE = "${Package} ${Version}, source ${source:Package} ${source:Version}"
UPDATE = "as root: dpkg --add-architecture arm64 && apt-get update"
LIMIT_S = 900
"""Of one command: a mirror that does not answer must not keep anybody."""
_PATIENCE = ("-oAcquire::Retries=2", "-oAcquire::http::Timeout=30", "-oAcquire::https::Timeout=30")


def dependency(package: str, pattern: str) -> str:
    """The first dependency of `package` whose name matches: what a meta package stands for.

    Raises:
        LabError: apt does not know the package, or nothing matches.
    """
    shown = _run(["apt-cache", "show", "--no-all-versions", package], Path.cwd())
    for line in shown.splitlines():
        if line.startswith("Depends:"):
            for name in re.split(r"[,|]", line.removeprefix("Depends:")):
                word = name.split()[0] if name.split() else ""
                if re.fullmatch(pattern, word):
                    return word
    raise LabError(
        f"apt does not know a package {package} with a dependency like {pattern}", UPDATE
    )


def unpack(packages: list[str], into: Path) -> list[str]:
    """Downloads `packages` from the machine's own apt sources and unpacks them all into one folder.

    Returns:
        One line a package: its name, its version and its source.

    Raises:
        LabError: apt cannot fetch one of them.
    """
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mtedbg-deb-") as name:
        folder = Path(name)
        # apt drops to its own user for downloads, and warns where that one cannot write.
        folder.chmod(0o755)
        download = ["apt-get", "-q", *_PATIENCE, "-oAPT::Sandbox::User=root", "download"]
        _run([*download, *packages], folder)
        archives = sorted(map(str, folder.glob("*.deb")))
        for archive in archives:
            _run(["dpkg-deb", "-x", archive, str(into)], folder)
        show = ["dpkg-deb", "-W", f"--showformat={PROVENANCE}\n"]
        return [_run([*show, archive], folder).strip() for archive in archives]


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"{command[0]} {command[-1]} takes more than {LIMIT_S} s", "does the mirror answer?"
        ) from error
    except FileNotFoundError as error:
        raise ToolMissingError(
            f"{command[0]} is not on this machine", "the VM's kernel is fetched on Debian only"
        ) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabError(f"{command[0]} {command[-1]}: {last}", UPDATE)
    return done.stdout
