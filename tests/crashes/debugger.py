"""The calls that GDB gives for the same cores and the same files: the oracle.

GDB is the one of the environment; `in_gdb.py` runs in it, for all cores in one process.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from mtedbg.lab import requirements
from tests.crashes.produce import Crash
from tests.support.oracles import tool

MOST_FRAMES = 64
"""As in `in_gdb.py`."""
SCRIPT = Path(__file__).with_name("in_gdb.py")
Frames = list[dict[str, Any]]
TIMEOUT_S = 1800


def gdb_calls(crashes: Sequence[tuple[Crash, str]]) -> list[dict[int, Frames]]:
    """Of each crash and variant the frames of its threads, by their number in the kernel.

    They are kept beside the core: GDB says the same tomorrow.

    Raises:
        AssertionError: GDB could not read one.
    """
    kept = [crash.folder / f"gdb-{variant}.json" for crash, variant in crashes]
    missing = [place for place, path in enumerate(kept) if not path.exists()]
    asked = [crashes[place] for place in missing]
    cores = [crash.core(variant) for crash, variant in asked]
    executables = [crash.executable(variant) for crash, variant in asked]
    for place, answer in zip(missing, _ask(cores, executables), strict=True):
        kept[place].write_text(json.dumps(answer))
    return [_by_thread(json.loads(path.read_text())) for path in kept]


def _ask(cores: Sequence[Path], executables: Sequence[Path | None]) -> list[Any]:
    """What `in_gdb.py` says of each.

    Raises:
        AssertionError: GDB could not read one.
    """
    lines = [f"{core}\t{exe or ''}\n" for core, exe in zip(cores, executables, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "cores"
        names.write_text("".join(lines))
        command = [tool("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off"]
        done = subprocess.run(
            [*command, "-x", str(SCRIPT)],
            env={**os.environ, "MTEDBG_CORES": str(names)},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    answers = [json.loads(line) for line in re.findall(r"^calls (.*)$", done.stdout, re.M)]
    assert len(answers) == len(cores), done.stderr[-2000:]
    return answers


def _by_thread(answer: Any) -> dict[int, Frames]:
    assert isinstance(answer, list), answer
    return {thread["thread"]: thread["frames"] for thread in answer}


def differences(ours: Frames, end: str, theirs: Frames) -> list[str]:
    """What is wrong with our rows of calls; fewer than GDB's are right where it is said.

    Args:
        ours: rows as the report has them.
        end: why they end, in words.
        theirs: frames of GDB.
    """
    found = []
    theirs = _without_empty(ours, theirs)
    for level, row in enumerate(ours):
        if level >= len(theirs):
            found.append(f"{level}: {row['function']} ({row['kind']}) is not in GDB's")
            break
        frame = theirs[level]
        if int(row["pc"], 16) != frame["pc"]:
            found.append(
                f"{level}: {row['pc']} {row['function']} ({row['kind']}, {row['how']}),"
                f" GDB {frame['pc']:#x} {frame['function']}"
            )
            break
        found += [f"{level}: {each}" for each in _of_frame(row, frame)]
    if len(ours) < len(theirs) and not end:
        found.append(f"{len(ours)} calls are said to be all, GDB has {len(theirs)}")
    return found


def invented(ours: Frames, theirs: Frames) -> list[str]:
    """Rows of calls that are none of the frames which GDB finds with all files, in their order.

    Without files fewer can be found; what is marked as a guess may be none.
    """
    found: list[str] = []
    if len(theirs) >= MOST_FRAMES:
        return found  # GDB was not asked for more
    left = iter([frame["pc"] for frame in theirs])
    for level, row in enumerate(ours):
        beyond = row["kind"] == "signal" or theirs[-1]["pc"] == int(ours[level - 1]["pc"], 16)
        if level and beyond and not _is_whole(theirs):
            break  # GDB lost its way there
        if row["kind"] != "guess" and int(row["pc"], 16) not in left:
            found.append(f"{level}: {row['pc']} {row['function']} ({row['how']}) is not in GDB's")
            break
    return found


def _without_empty(ours: Frames, theirs: Frames) -> Frames:
    """GDB's frames without an innermost inlined call whose code GCC says is empty.

    GDB takes the one that begins there; by DWARF no address is in it, and llvm-symbolizer has none.
    The line may be of what was inlined there or of where it was.
    """
    of_theirs = sum(row["inlined"] for row in theirs if row["pc"] == theirs[0]["pc"])
    of_ours = sum(row["kind"] == "inlined" for row in ours if row["pc"] == ours[0]["pc"])
    if of_theirs != of_ours + 1:
        return theirs
    line = Path(ours[0]["source"] or "").name
    of_inlined = line == f"{theirs[0]['file']}:{theirs[0]['line']}"
    first = theirs[0] if of_inlined else theirs[1]
    return [{**theirs[1], "file": first["file"], "line": first["line"]}, *theirs[2:]]


def _is_whole(theirs: Frames) -> bool:
    """Whether GDB came to where threads begin."""
    return theirs[-1]["function"] in ("_start", "clone", "thread_start", "__libc_start_main")


def _of_frame(row: dict[str, Any], frame: dict[str, Any]) -> list[str]:
    found = []
    if frame["signal"] != (row["kind"] == "signal"):
        found.append(f"{row['function']} is {row['kind']}, GDB {frame['function']}")
    if frame["inlined"] != (row["kind"] == "inlined"):
        found.append(f"{row['function']} is {row['kind']}, GDB's inlined: {frame['inlined']}")
    if frame["function"] and not _same(row["function"] or "", frame["function"]):
        found.append(f"{row['function']} is for GDB {frame['function']}")
    source = row["source"] or ""
    line = f"{frame['file']}:{frame['line']}" if frame["file"] else ""
    if Path(source).name != line:
        found.append(f"{row['function']} at {source or 'no line'}, GDB {line or 'no line'}")
    return found


def _same(ours: str, theirs: str) -> bool:
    """Whether two names are one function's: written otherwise, or names of one address."""
    one, other = _plain(ours), _plain(theirs)
    if one == other:
        return True
    if _aliases().get(one, 0) == _aliases().get(other, 1):
        return True
    # GDB has DWARF's name of a Rust implementation, where the symbol has type and trait; and of a
    # lambda the operator alone.
    short = "{impl#" in theirs or ours.startswith("<") or theirs.startswith("operator")
    return short and one.rpartition("::")[2] == other.rpartition("::")[2]


@cache
def _aliases() -> dict[str, int]:
    """Addresses of the C library's functions: some have several names."""
    with (requirements.ARM64_LIBRARIES / "libc.so.6").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        return {each.name: each["st_value"] for each in table.iter_symbols() if each["st_value"]}


def _plain(name: str) -> str:
    """A function's name without offset, parameters, arguments of templates and spaces."""
    name = re.sub(r"\+0x[0-9a-f]+$", "", name)
    name = re.sub(r"\{lambda\(.*?\)#\d+\}|<lambda\(.*?\)>", "lambda", name)
    name = name.replace("{{vtable.shim}}", "")
    name = re.sub(r"\{closure#\d+\}", "{{closure}}", name)
    name = name.replace("(anonymous namespace)", "anonymous")
    name = re.sub(r"operator(\(\)|<<|>>|<=>|<=|>=|->|<|>)", "operator", name)
    for inner in (r"<[^<>]*>", r"\([^()]*\)"):
        while (shorter := re.sub(inner, "", name)) != name:
            name = shorter
    return re.sub(r"::$|\s+", "", re.sub(r"\s*(const|&)*$", "", name)).replace("::::", "::")
