"""The folder that the programs have as their root: unpacked packages, and what they read."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.compile import PROGRAMS as SOURCES
from tests.support.compile import digest_of, link_once
from tests.support.packages import Packages, unpacked

INPUTS = Path(__file__).with_name("inputs")
PACKAGES = Packages(
    "programs",
    {
        "bash": "5.2.37",
        "bc": "1.07.1",
        "busybox-static": "1.37.0",
        "bzip2": "1.0.8",
        "coreutils": "9.7",
        "dash": "0.5.12",
        "dc": "1.07.1",
        "diffutils": "3.10",
        "erlang-base": "27.3",
        "findutils": "4.10",
        "fish": "4.0.2",
        "gawk": "5.2.1",
        "git": "2.47",
        "golang-1.24-go": "1.24.4",
        "grep": "3.11",
        "gzip": "1.13",
        "jq": "1.7.1",
        "libc-bin": "2.41",
        "libstdc++6": "14.2.0",
        "lua5.4": "5.4.7",
        "make": "4.4.1",
        "mawk": "1.3.4",
        "openssl": "3.5",
        "perl": "5.40.1",
        "php8.4-cli": "8.4",
        "pigz": "2.8",
        "python3.13": "3.13.5",
        "ripgrep": "14.1.1",
        "ruby3.3": "3.3.8",
        "sed": "4.9",
        "sqlite3": "3.46.1",
        "tar": "1.35",
        "tcl8.6": "8.6.16",
        "tzdata": "2026",
        "xz-utils": "5.8.1",
        "zstd": "1.5.7",
    },
    wheels={"ruff": "0.14.0"},
    architecture="amd64",
    static=True,
)
_GCC = ("gcc", "-O2", "-pthread", "-w")
_GXX = ("g++", "-std=c++20", "-O2", "-pthread", "-w")
# The packages' C library is not the one that is linked with.
_LATER = "-Wl,--allow-shlib-undefined"
COUNTER = SOURCES / "linux/counter.c"
COMPILED = {
    "counter": (*_GCC, str(COUNTER)),
    "goods": (*_GCC, "goods.c", "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", _LATER),
    "loop": (*_GCC, "loop.c"),
    "pthreads": (*_GCC, "pthreads.c", "-lm"),
    "pthreads-static": (*_GCC, "-static", "pthreads.c", "-lm"),
    "threads": (*_GXX, "threads.cc"),
    "threads-static": (*_GXX, "-static", "threads.cc"),
}
"""Programs that are compiled here, as their authors would."""
PLACES = ("dev", "proc", "tmp")
"""Folders that a system mounts."""


@functools.cache
def root() -> Path:
    """The packages, unpacked."""
    folder = unpacked(PACKAGES)
    for each in PLACES:
        (folder / each).mkdir(exist_ok=True)
    for name in ("passwd", "group"):  # which scripts of packages make
        (folder / "etc" / name).write_text("root:x:0:0:root:/:/bin/sh\n")
    return folder


@functools.cache
def inputs() -> Path:
    """What the programs read, in a folder below `root()`, made once per content."""
    sources = sorted(INPUTS.iterdir())
    # The digest is of this file as well: it says what is compiled and generated.
    final = root() / f"inputs-{digest_of([*sources, COUNTER, Path(__file__)], [])}"
    with (root() / ".inputs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            with tempfile.TemporaryDirectory(dir=root()) as name:
                made = Path(name) / "made"
                _fill(made, sources)
                made.rename(final)
    return final


def versions() -> dict[str, str]:
    """Of each package, and of each wheel."""
    found = {}
    for line in (root() / "PACKAGES.txt").read_text().splitlines():
        name, _, version = line.replace("-", " ", line.endswith(".whl")).partition(" ")
        found[name] = version.partition("-py3")[0]
    return found


def _fill(folder: Path, sources: Sequence[Path]) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    for each in sources:
        shutil.copyfile(each, folder / each.name.removesuffix(".in"))
    (folder / "text").write_text(_text())
    (folder / "statements.sql").write_text(_statements())
    for name, (compiler, *words) in COMPILED.items():
        tool = shutil.which(f"x86_64-linux-gnu-{compiler}") or compiler
        named = [_named(folder, word) for word in words]
        link_once(folder / name, [tool, *named])
    for each in folder.iterdir():  # `ls` prints them
        os.utime(each, (1_000_000_000, 1_000_000_000))


def _named(folder: Path, word: str) -> str:
    """An input, a library of the packages, or the word itself."""
    for place in (folder / word, root() / word.removeprefix("/")):
        if place.is_file():
            return str(place)
    return word


def _text() -> str:
    """Three thousand lines of words, the same in every run."""
    choice = random.Random(15)
    words = ["".join(choice.choices("abcdefghij", k=choice.randint(2, 9))) for _ in range(400)]
    lines = (" ".join(choice.choices(words, k=choice.randint(1, 12))) for _ in range(3000))
    return "\n".join(lines) + "\n"


def _statements() -> str:
    """Two hundred SQL statements: tables, indexes, triggers, views, windows, JSON, errors."""
    lines = [
        "create table goods (id integer primary key, name text unique, price real, stock int);",
        "create table sales (id integer primary key, good int references goods, n int, day text);",
        "create index by_day on sales (day, good);",
        "create trigger sold after insert on sales begin"
        " update goods set stock = stock - new.n where id = new.good; end;",
        "create view turnover as select day, sum(n * price) as total from sales"
        " join goods on goods.id = good group by day;",
        "begin;",
    ]
    for i in range(1, 61):
        lines.append(f"insert into goods values ({i}, 'good {i * 37 % 101}', {i} / 7.0, {i * 9});")
    for i in range(1, 91):
        day = f"2026-11-{i % 28 + 1:02}"
        lines.append(
            f"insert into sales (good, n, day) values ({i % 60 + 1}, {i % 5 + 1}, '{day}');"
        )
    lines.append("commit;")
    for i in range(1, 21):
        lines.append(f"select name, printf('%.6f', price), stock from goods where id % {i} = 0;")
    lines += [
        "select * from turnover order by total desc limit 5;",
        "select name, rank() over (order by price desc) from goods limit 3;",
        "with recursive f(a, b) as (values (0, 1) union all select b, a + b from f where b < 1e6)"
        " select max(b) from f;",
        "select json_group_array(json_object('n', name)) from goods where id < 4;",
        "select json_extract('{\"a\":[1,2,{\"b\":3}]}', '$.a[2].b');",
        "select date('2026-01-31', '+1 month'), julianday('2000-01-01'), strftime('%j', 'epoch');",
        "select round(sin(1), 12), pow(2, 0.5), 7 / 2, 7 % 3, 1e300 * 1e10, -5 >> 1;",
        "select group_concat(name, '|') from (select name from goods order by name limit 6);",
        "insert into goods values (1, 'twice', 0, 0);",
        "update goods set price = price * 1.1 where stock < 50;",
        "delete from sales where n = 3;",
        "select count(*), total(n), avg(n), min(day), max(day) from sales;",
        "explain query plan select * from sales where day = '2026-11-05';",
        "select hex(zeroblob(2)), quote(x'00ff'), upper('äb'), length('äb'), unicode('ä');",
        "select count(*) from goods a, goods b, goods c where a.id < b.id and b.stock < c.stock;",
        "savepoint one;",
        "drop table sales;",
        "rollback to one;",
        "select count(*) from sales;",
        "pragma integrity_check;",
        "vacuum;",
        "select sum(length(name)) from goods;",
        "select typeof(price), sum(stock) from goods group by 1;",
    ]
    return "\n".join(lines) + "\n"
