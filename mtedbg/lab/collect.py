"""Takes core files out of the folder that a VM wrote them to."""

import shutil
from pathlib import Path

from mtedbg.errors import LabError

# Process numbers are the same in every VM, so that names meet.
MAX_SAME_NAME = 10_000


def take_cores(exchange: Path, to: Path | None) -> list[Path]:
    """Moves the core files from `exchange` to the folder `to`, and empties `exchange`.

    The VM's programs can write there too: what is not a regular file is removed, never followed.

    Args:
        exchange: the host's side of the folder.
        to: where they go; dropped where None.

    Raises:
        LabError: there is no place for one.
    """
    taken = []
    for core in sorted(exchange.iterdir()):
        if core.is_dir() and not core.is_symlink():
            shutil.rmtree(core)
        elif to is None or core.is_symlink() or not core.is_file():
            core.unlink()
        else:
            final = _free_name(to, core.name)
            try:
                shutil.move(core, final)
            except OSError as error:
                raise LabError(
                    f"cannot write the core file to {to}: {error.strerror}",
                    "run it in a folder that you can write to",
                ) from error
            taken.append(final)
    return taken


def _free_name(folder: Path, name: str) -> Path:
    for candidate in (name, *(f"{name}.{i}" for i in range(1, MAX_SAME_NAME))):
        if not (folder / candidate).exists():
            return folder / candidate
    raise LabError(f"{folder} has too many files {name}.N", "remove some of them")
