"""Makes a release in a folder: both wheels, what is in them (CycloneDX), checksums. No upload.

Twine checks the wheels' metadata as an index does. What the SBOMs list: of `mtedbg` the packages
that pip installs with it, in the versions of the lock; of `mtedbg-lab` the Debian packages whose
files it carries. They have the time of the last commit and no random number: made again, they are
the same.

Usage: release.py [FOLDER]
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from make_wheel import epoch  # noqa: E402

from mtedbg import __version__  # noqa: E402

_DEBIAN = re.compile(r"(?P<name>\S+) (?P<version>\S+), source (?P<source>\S+) (?P<built>\S+)")
_SPACE = uuid.UUID("7f6f0d5e-8a0b-5a53-9d0c-3b0f5f0d7c11")
"""Of the serial numbers of our SBOMs (RFC 9562, version 5)."""

_LAB_LICENCES = "MIT AND BSD-3-Clause AND GPL-2.0-only AND GPL-3.0-or-later AND LGPL-2.1-or-later"


def required() -> Iterator[str]:
    """Names of what pip installs with mtedbg, each once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    seen: set[str] = set()
    waiting: list[str] = list(project["dependencies"])
    while waiting:
        one = Requirement(waiting.pop())
        name = one.name.lower().replace("_", "-")
        if name in seen or (one.marker is not None and not one.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        waiting += distribution(name).requires or []
        yield name


def of_python() -> Iterator[Component]:
    """The packages that `mtedbg` is installed with."""
    for name in sorted(required()):
        found = distribution(name)
        yield Component(
            name=name,
            version=found.version,
            bom_ref=f"pkg:pypi/{name}@{found.version}",
            purl=PackageURL("pypi", None, name, found.version),
        )


def of_debian(wheel: Path) -> Iterator[Component]:
    """The packages whose files the lab's wheel carries, by its own lists."""
    lines: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("mtedbg_lab/") and name.endswith("licences/PACKAGES.txt"):
                lines.update(archive.read(name).decode().splitlines())
    for line in sorted(lines):
        found = _DEBIAN.fullmatch(line)
        if found is None:
            raise ValueError(f"not a package: {line}")
        purl = PackageURL("deb", "debian", found["name"], found["version"], {"arch": "arm64"})
        yield Component(
            name=found["name"],
            version=found["version"],
            bom_ref=str(purl),
            purl=purl,
            description=f"built from {found['source']} {found['built']}",
        )


def of_sources(wheel: Path) -> Iterator[Component]:
    """What the runtime in the lab's wheel is built from: each has a licence, named as it is."""
    with zipfile.ZipFile(wheel) as archive:
        names = [Path(name).name for name in archive.namelist() if "/licences/softfloat-" in name]
    for name in sorted(set(names)):
        version = name.removeprefix("softfloat-").removesuffix(".txt")
        yield Component(
            name="softfloat",
            version=version,
            bom_ref=f"pkg:pypi/softfloat@{version}",
            purl=PackageURL("pypi", None, "softfloat", version),
            description="Berkeley SoftFloat 3d, linked statically",
        )


def sbom(wheel: Path, parts: Iterable[Component], licence: str) -> str:
    """What is in a wheel, as CycloneDX's JSON."""
    name = wheel.name.partition("-")[0].replace("_", "-")
    content = hashlib.sha256(wheel.read_bytes()).hexdigest()
    subject = Component(
        name=name,
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:pypi/{name}@{__version__}",
        purl=PackageURL("pypi", None, name, __version__),
        licenses=[LicenseExpression(licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content)],
    )
    components = list(parts)
    bom = Bom(components=components, serial_number=uuid.uuid5(_SPACE, f"{name} {content}"))
    bom.metadata.component = subject
    bom.metadata.timestamp = datetime.fromtimestamp(int(epoch()), UTC)
    bom.register_dependency(subject, components)
    return json.dumps(json.loads(JsonV1Dot5(bom).output_as_string()), indent=2, sort_keys=True)


def main(folder: str = "dist") -> int:
    """Makes all of it."""
    dist = ROOT / folder
    if dist.exists() and any(dist.iterdir()):
        print(f"release: {dist} is not empty", file=sys.stderr)
        return 1
    subprocess.run([sys.executable, ROOT / "scripts/make_wheel.py", dist], check=True)
    (core,), (lab,) = dist.glob("mtedbg-*.whl"), dist.glob("mtedbg_lab-*.whl")
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", core, lab], check=True)
    for wheel, parts, licence in (
        (core, of_python(), "MIT"),
        (lab, (*of_debian(lab), *of_sources(lab)), _LAB_LICENCES),
    ):
        wheel.with_suffix(".cdx.json").write_text(sbom(wheel, parts, licence) + "\n")
    files = sorted(dist.iterdir())
    sums = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (dist / "SHA256SUMS").write_text("".join(sums))
    for file in sorted(dist.iterdir()):
        print(f"{file.stat().st_size:>10}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
