"""The programs, and what each is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FRESH = "@FRESH@"
"""The beginning of paths of files that a run may make."""
LIMIT_S = 600.0
ROUNDS = "10"
"""Threads are made so often by each run of programs whose start takes longer than that."""


@dataclass(frozen=True)
class Program:
    """A program, and its runs.

    Attributes:
        name: in the table.
        package: that it is of; empty where it is compiled here.
        runs: the words of each command; the first is the program's path below the root, or its
            name in the folder of inputs, where all of them run.
        limit_s: seconds of processor time that one run may take.
        quick: which of the runs are in the sample.
        moved: which of the runs, of one process with threads, are repeated while these are moved.
    """

    name: str
    package: str
    runs: tuple[Sequence[str], ...]
    limit_s: float = LIMIT_S
    quick: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()


def _busybox(*commands: str) -> tuple[Sequence[str], ...]:
    return tuple(("/usr/bin/busybox", *command.split()) for command in commands)


def _tool(name: str, *words: str) -> Sequence[str]:
    return (f"/usr/bin/{name}", *words)


def _date(zone: str) -> Sequence[str]:
    return _tool("env", f"TZ={zone}", "date", "-d", "@1700000000", "+%F %T %Z %z %A")


def _shell(script: str) -> Sequence[str]:
    return _tool("dash", "-c", script)


PROGRAMS = (
    Program(
        "busybox-static, 21 applets",
        "busybox-static",
        _busybox(
            *("echo one two", "seq 3 4 20", "wc text", "sort -u text", "head -n 5 text"),
            *("tail -c 100 text", "cut -d_ -f1 text", "tr a-f A-F", "uniq -c text", "cksum text"),
            *("md5sum text", "sha256sum text", "grep -c abc text", "sed -n 1,9s/a/AA/p text"),
            *(
                "od -A d -t x1 -N 64 text",
                "expr 6 * 7",
                "ls -l text all.py",
                "factor 1234567890123",
            ),
            *("ash loops.sh", "gzip -9c text"),
        )
        + (
            _tool(
                "busybox", "awk", "{n[$1]++} END {for (w in n) s += n[w]^1.5; print s, NR}", "text"
            ),
        ),
        quick=(0, 17),
    ),
    Program("dash", "dash", (_tool("dash", "loops.sh"),)),
    Program("bash", "bash", (_tool("bash", "jobs.bash"),), limit_s=1200),
    Program(
        "coreutils",
        "coreutils",
        (
            _tool("ls", "-l", "--time-style=long-iso", "text", "all.py", "threads"),
            _tool("ls", "-R", "/usr/share/zoneinfo/Europe"),
            _tool("sort", "-k2,2", "-s", "text"),
            _tool("sort", "--parallel=3", "-S", "1M", "text", "text"),
            _tool("sha256sum", "text", "all.py"),
            _tool("seq", "-w", "0", "0.125", "5"),
            _tool("wc", "text", "all.py", "all.pl"),
            _tool("dd", "if=text", "bs=1000", "skip=3", "count=5", "conv=ucase", "status=none"),
            _date("Europe/Berlin"),
            _date("America/New_York"),
            _date("Asia/Kolkata"),
            _tool("cat", "no such file"),
        ),
        quick=(0, 8),
    ),
    Program(
        "grep",
        "grep",
        (
            _tool("grep", "-c", "-E", "(abc|d.f)+g?", "text"),
            _tool("grep", "-n", "-P", r"\b(\w)\w*\1\b", "all.py"),
            _tool("grep", "nowhere", "text"),
        ),
        quick=(2,),
    ),
    Program(
        "sed",
        "sed",
        (_tool("sed", "-E", "-n", r"s/([a-c]+) (\w+)/\2-\1/gp;$=", "text"),),
        quick=(0,),
    ),
    Program(
        "gzip",
        "gzip",
        (
            _tool("gzip", "-9", "-n", "-c", "text"),
            _shell("gzip -c text | gzip -d | sha256sum"),
        ),
    ),
    Program(
        "xz -T3",
        "xz-utils",
        (
            _tool("xz", "-T3", "--block-size=20000", "-1", "-c", "text"),
            _shell("xz -T3 -3 --block-size=30000 -c text | xz -d -T3 | sha256sum"),
            _tool("xz", "-T3", "--block-size=1000", "-0", "-c", "statements.sql"),
        ),
        moved=(2,),
    ),
    Program(
        "sqlite3, 200 statements",
        "sqlite3",
        (
            _tool("sqlite3", f"{FRESH}db", ".read statements.sql"),
            _tool("sqlite3", ":memory:", "select 1.5, sqlite_version()"),
        ),
        quick=(1,),
    ),
    Program("sqlite3, four threads", "sqlite3", (("goods", ROUNDS),), moved=(0,)),
    Program(
        "python3",
        "python3.13",
        (
            _tool(
                "python3.13", "-c", "import json, re; print(json.dumps(re.findall('a.', 'abac')))"
            ),
            _tool("python3.13", "all.py"),
            _tool("python3.13", "-c", "import sys; sys.exit('an error')"),
            _tool("python3.13", "-I", "-S", "threads.py", ROUNDS),
        ),
        moved=(3,),
        limit_s=1800,
    ),
    Program(
        "python3: processes",
        "python3.13",
        (_tool("python3.13", "-I", "processes.py"),),
        limit_s=1800,
    ),
    Program("perl", "perl", (_tool("perl", "all.pl"),), limit_s=1200),
    Program("C++, g++ -O2", "", (("threads",), ("threads", "terminate"), ("threads-static",))),
    Program("pthreads, gcc -O2", "", (("pthreads",), ("pthreads-static",))),
    Program("a counter under a mutex, gcc -O2", "", (("counter",),)),
    Program("Rust: ripgrep", "ripgrep", (_tool("rg", "--sort", "path", "-c", r"\ba\w+\b", "."),)),
    Program(
        "Rust, static: ruff",
        "ruff",
        (_tool("ruff", "check", "--no-cache", "--isolated", "wrong.py"),),
        limit_s=1200,
    ),
    Program(
        "Go, static: gofmt",
        "golang-1.24-go",
        (("/usr/lib/go-1.24/bin/gofmt", "unformatted.go"),),
        limit_s=1200,
    ),
    Program("lua", "lua5.4", (_tool("lua5.4", "all.lua"),), quick=(0,)),
    Program("tcl", "tcl8.6", (_tool("tclsh8.6", "all.tcl"),)),
    Program("ruby", "ruby3.3", (_tool("ruby3.3", "--disable-gems", "all.rb"),), limit_s=1200),
    Program("PHP", "php8.4-cli", (_tool("php8.4", "-n", "all.php"),), limit_s=1200),
    Program(
        "Erlang",
        "erlang-base",
        (
            _shell(
                "ROOTDIR=/usr/lib/erlang BINDIR=$(echo /usr/lib/erlang/erts-*/bin) EMU=beam"
                " PROGNAME=erl exec $(echo /usr/lib/erlang/erts-*/bin/erlexec) -noinput -noshell"
                ' -eval \'io:format("~p ~p~n", [lists:sum(lists:seq(1, 1000)),'
                " length([spawn_monitor(fun() -> ok end) || _ <- lists:seq(1, 20)])]),"
                " halt(5).'"
            ),
        ),
        limit_s=1800,
    ),
    Program(
        "awk: mawk and gawk",
        "mawk",
        tuple(
            _tool(
                name,
                "{for (i = 1; i <= NF; i++) n[length($i)]++}"
                ' END {for (k = 2; k < 10; k++) printf "%d %d %.6f\\n", k, n[k], log(n[k]);'
                ' print toupper(substr("memory", 2, 3)), -7 % 3, match("aab", /ab/)}',
                "text",
            )
            for name in ("mawk", "gawk")
        ),
        quick=(0,),
    ),
    Program("bc", "bc", (_tool("bc", "-lq", "all.bc"),), quick=(0,)),
    Program("dc", "dc", (_tool("dc", "-e", "30 k 2 v p 16 o 255 p 2 1000 ^ p 7 _3 ~ f"),)),
    Program("jq", "jq", (_tool("jq", "-c", "-R", "-n", "-f", "all.jq", "text"),)),
    Program("fish", "fish", (_tool("fish", "--no-config", "all.fish"),)),
    Program(
        "make",
        "make",
        (_tool("make", "-s", "-j3"), _tool("make", "wrong")),
    ),
    Program("git", "git", (_tool("dash", "repository.sh", f"{FRESH}repository"),), limit_s=1800),
    Program(
        "findutils",
        "findutils",
        (
            _shell("find . -name 'all.*' -size -9 -printf '%f %s %m %t\\n' | sort"),
            _shell(
                "find . -type f -name '*.c' -print0 | sort -z | xargs -0 -n 1 -P 3 wc -l | sort"
            ),
        ),
    ),
    Program(
        "tar, bzip2",
        "tar",
        (
            _shell("tar -c --sort=name all.* text | tar -tv"),
            _shell("tar -c --sort=name --owner=0 --group=0 text all.py | bzip2 -9 | sha256sum"),
            _shell("bzip2 -c text | bzip2 -dc | cmp - text"),
        ),
    ),
    Program(
        "zstd -T3",
        "zstd",
        (
            _shell("zstd -q -T3 -B20000 -3 -c text | zstd -q -dc | sha256sum"),
            _tool("zstd", "-q", "-19", "-c", "all.py"),
        ),
    ),
    Program("pigz -p 3", "pigz", (_shell("pigz -p 3 -b 128 -n -c text | sha256sum"),)),
    Program(
        "OpenSSL",
        "openssl",
        (
            _tool("openssl", "dgst", "-sha3-256", "-r", "text"),
            _tool(
                "openssl",
                "enc",
                "-aes-128-cbc",
                "-K",
                "00" * 16,
                "-iv",
                "11" * 16,
                "-a",
                "-in",
                "all.py",
            ),
            _tool("openssl", "prime", "170141183460469231731687303715884105727"),
            _shell("openssl x509 -in text 2>&1 | sed 's/^[^:]*//'; exit 3"),  # without its thread
        ),
        limit_s=1200,
    ),
)
