"""The programs: which files of which library each is made of, and with which definitions."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.lab import ROOT, BenchError
from bench.libraries.sources import Source, unpacked
from tests.support import x86_64

HERE = Path(__file__).resolve().parent / "c"
GUESTS = ROOT / "native/guests"
BUILT = ROOT / "build/libraries"
WORKERS = 2
MUSL = Source("musl", "1.2.5")
LIBFFI = Source("libffi", "3.4.8")

FLAGS = (
    *("-std=gnu11", "-O2", "-g1", "-w", "-mgeneral-regs-only", "-ffreestanding", "-fno-pic"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none"),
    *("-fno-tree-loop-distribute-patterns", "-ffunction-sections", "-fdata-sections"),
)
LINK = (
    *("-static", "-nostdlib", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack"),
    *("-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"),
)
_LIBC = (
    *("string/*.c", "ctype/*.c", "search/*.c", "stdlib/abs.c", "stdlib/labs.c"),
    *("stdlib/bsearch.c", "stdlib/qsort*.c", "multibyte/wcrtomb.c", "multibyte/internal.c"),
)
_ALLOCATOR = (
    *("-DHAVE_MMAP=0", "-DMORECORE=bench_more", "-DUSE_LOCKS=0", "-DNO_MALLINFO=1"),
    *("-DNO_MALLOC_STATS=1", "-DMORECORE_CANNOT_TRIM=1", "-Dmalloc_getpagesize=((size_t)4096)"),
    *("-include", "stdint.h", "-include", str(HERE / "more.h")),
)
_FLOAT = re.compile(r"(?<![\w.])\d+\.\d*(e[+-]?\d+)?L?(?![\w.])")


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        name: its `main` is in `c/NAME.c`.
        source: of its library.
        files: of the library, by patterns; none where `main` includes what it needs, or where the
            library is part of every program's C library.
        flags: further ones of the compiler; `{}` is the library's folder.
        integers: whether its floating-point literals are made integers: a build without
            floating point still has some, in functions that are not run.
    """

    name: str
    source: Source
    files: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    integers: bool = False


PROGRAMS = (
    Program(
        "sqlite",
        Source("libdbd-sqlite3-perl", "1.76"),
        ("sqlite3.c",),
        (
            *("-I{}", "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0", "-DSQLITE_TEMP_STORE=3"),
            *("-DSQLITE_OMIT_FLOATING_POINT", "-DSQLITE_OMIT_LOAD_EXTENSION"),
            *("-DSQLITE_OMIT_DATETIME_FUNCS", "-DSQLITE_OMIT_WAL", "-DSQLITE_OMIT_DEPRECATED"),
            *("-DSQLITE_DEFAULT_MEMSTATUS=0", "-DSQLITE_OMIT_JSON"),
            "-Dfabs(x)=((x)<0?-(x):(x))",
        ),
        integers=True,
    ),
    Program(
        "zstd",
        Source("libzstd", "1.5.7+dfsg"),
        ("lib/common/*.c", "lib/compress/*.c", "lib/decompress/*.c"),
        ("-I{}/lib", "-DZSTD_DISABLE_ASM=1", "-DDYNAMIC_BMI2=0", "-DZSTD_NO_INTRINSICS"),
    ),
    Program(
        "zlib",
        Source("zlib", "1.3.dfsg+really1.3.1"),
        ("[acdtuz]*.c", "inf[fl]*.c", "inftrees.c"),
        ("-I{}",),
    ),
    Program("lz4", Source("lz4", "1.10.0"), ("lib/lz4.c", "lib/lz4hc.c"), ("-I{}/lib",)),
    Program(
        "bzip2",
        Source("bzip2", "1.0.8"),
        ("blocksort.c", "bzlib.c", "crctable.c", "randtable.c", "huffman.c", "*compress.c"),
        ("-I{}", "-DBZ_NO_STDIO"),
    ),
    Program("xxhash", Source("xxhash", "0.8.3"), ("xxhash.c",), ("-I{}", "-DXXH_VECTOR=0")),
    Program(
        "rax",
        Source("valkey", "8.1.1+dfsg1"),
        ("src/rax.c",),
        ("-I{}/src", f"-I{HERE}/rax", "-DRAX_MALLOC_INCLUDE=<rax_of_bench.h>"),
    ),
    Program("dlmalloc", LIBFFI),
    Program("musl", MUSL),
    Program(
        "libyaml",
        Source("libyaml", "0.2.5"),
        ("src/*.c",),
        (
            *("-I{}/include", "-DYAML_VERSION_MAJOR=0", "-DYAML_VERSION_MINOR=2"),
            *("-DYAML_VERSION_PATCH=5", '-DYAML_VERSION_STRING="0.2.5"'),
        ),
    ),
    Program("md4c", Source("md4c", "0.5.2"), ("src/*.c",), ("-I{}/src",)),
    Program(
        "lzo",
        Source("lzo2", "2.10"),
        ("minilzo/minilzo.c",),
        ("-I{}/minilzo", "-I{}/include/lzo"),
    ),
)


def built(program: Program) -> Path:
    """The guest program, made anew where anything has changed that it is made of."""
    include = _headers()
    folder = unpacked(program.source)
    flags = [*FLAGS, *(word.replace("{}", str(folder)) for word in program.flags), *include]
    files = [path for pattern in program.files for path in sorted(folder.glob(pattern))]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if program.integers:
            files = [_without_floats(path, work) for path in files]
        objects = _compiled([*files, HERE / f"{program.name}.c", HERE / "system.c"], flags, work)
        elf = BUILT / f"{program.name}.elf"
        starts = [GUESTS / "start.S", GUESTS / "imports.S"]
        _run([x86_64.compiler(), *LINK, *starts, *objects, _library(), "-o", elf])
    return elf


def _without_floats(source: Path, work: Path) -> Path:
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    copy = work / source.name
    copy.write_text("".join(line if '"' in line else _FLOAT.sub("1", line) for line in lines))
    return copy


def _headers() -> list[str]:
    """musl's, two of which are made of templates."""
    musl = unpacked(MUSL)
    made = BUILT / "include"
    if not (made / "bits/syscall.h").exists():
        (made / "bits").mkdir(parents=True, exist_ok=True)
        template = [musl / "arch/x86_64/bits/alltypes.h.in", musl / "include/alltypes.h.in"]
        text = _run(["sed", "-f", musl / "tools/mkalltypes.sed", *template])
        (made / "bits/alltypes.h").write_text(text)
        numbers = (musl / "arch/x86_64/bits/syscall.h.in").read_text()
        (made / "bits/syscall.h").write_text(numbers + numbers.replace("__NR_", "SYS_"))
    gcc = _run([x86_64.compiler(), "-print-file-name=include"]).strip()
    folders = [HERE, *(musl / path for path in ("arch/x86_64", "arch/generic")), made]
    return ["-nostdinc", *(f"-I{each}" for each in (*folders, musl / "include", gcc))]


def _library() -> Path:
    """musl's strings, sorting and searching, and dlmalloc: an archive, made once."""
    archive = BUILT / "libc.a"
    if not archive.exists():
        musl, include = unpacked(MUSL), _headers()
        inside = [f"-I{musl / path}" for path in ("src/include", "src/internal")]
        files = [path for pattern in _LIBC for path in sorted((musl / "src").glob(pattern))]
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            objects = _compiled(files, [*FLAGS, *inside, *include], work)
            allocator = unpacked(LIBFFI) / "src/dlmalloc.c"
            objects += _compiled([allocator], [*FLAGS, *include, *_ALLOCATOR], work / "m")
            _run(["ar", "rc", work / "libc.a", *objects])
            shutil.move(work / "libc.a", archive)
    return archive


def _compiled(files: Sequence[Path], flags: Sequence[str], work: Path) -> list[Path]:
    work.mkdir(exist_ok=True)
    objects = [work / f"{number}-{path.stem}.o" for number, path in enumerate(files)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(partial(_compile, flags), files, objects))
    return objects


def _compile(flags: Sequence[str], file: Path, to: Path) -> None:
    _run([x86_64.compiler(), *flags, "-c", file, "-o", to])


def _run(command: Sequence[object]) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: {done.stderr[-3000:]}")
    return done.stdout
