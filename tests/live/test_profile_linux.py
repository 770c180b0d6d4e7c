"""The profile of a real program with threads: written, added up, shown, read as FEX reads it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from bench.order.oracle import needed, profiled
from mtedbg.cli import main
from mtedbg.formats.profile import read_profile
from mtedbg.lab import paths
from mtedbg.model.profile import Need, ProfileAccess, ProgramProfile
from tests.live.test_runtime_guests import run
from tests.support import fex, guest_crashes, signals, x86_64
from tests.support.compile import BUILT, PROGRAMS, digest_of, link_once

pytestmark = x86_64.only_natively("the machine's C library is for another processor")

SOURCE = PROGRAMS / "linux/counter.c"
NAME, LIBC = "counter", "libc.so.6"
THREADS, ROUNDS, OWN = 3, 50, 256
GLIB = "/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0"
PIECES, OWN_OF_POOL = 40, 64
RUNS = (
    "--cores 5",
    # Another library is loaded before the C library, which therefore gets another address.
    "--threads threads --env LD_PRELOAD=libm.so.6",
)
LIMIT_S = 300
QEMU = ("qemu-aarch64", "-cpu", "max")
PAGE = 4096
TRACE_RECORD = 48  # native/src/debug/trace.h
MOVED = 0x7F0000000000


@cache
def compiled(source: Path, *words: str) -> Path:
    """A program, as its authors would compile it."""
    warnings = ("-Wall", "-Wextra", "-Werror")
    line = [x86_64.compiler(), "-std=gnu11", "-O2", "-g", *warnings, str(source), *words]
    built = BUILT / digest_of([source], line) / source.stem
    link_once(built, line)
    return built


def program() -> Path:
    return compiled(SOURCE)


def command(*words: str | Path) -> list[str]:
    """That runs the runtime."""
    return [*QEMU, str(paths.runtime()), *map(str, words)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The profiles of the runs."""
    folder = tmp_path_factory.mktemp("profiles")
    expected = subprocess.run([str(program())], capture_output=True, text=True, check=True).stdout
    made = []
    for number, options in enumerate(RUNS):
        made.append(folder / f"{number}.json")
        done = run(f"{options} --profile-out {made[-1]}", program())
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    return tuple(made)


def modules(path: Path) -> dict[str, ProgramProfile]:
    return {one.name: one for one in read_profile(path.read_bytes(), str(path)).programs}


def merged(files: tuple[Path, ...], folder: Path, *words: str) -> dict[str, ProgramProfile]:
    out = folder / "merged.json"
    assert main(["profile", "merge", *map(str, files), "-o", str(out), *words]) == 0
    return modules(out)


def code_of(module: ProgramProfile) -> list[tuple[int, int, int]]:
    """Address, end and offset of each executable segment of its file."""
    with Path(module.path).open("rb") as file:
        elf = ELFFile(file)
        notes = [note for one in elf.iter_segments("PT_NOTE") for note in one.iter_notes()]
        (build_id,) = [one["n_desc"] for one in notes if one["n_type"] == "NT_GNU_BUILD_ID"]
        assert module.identity.build_id == build_id
        return [
            (one["p_vaddr"], one["p_vaddr"] + one["p_filesz"], one["p_offset"])
            for one in elf.iter_segments("PT_LOAD")
            if one["p_flags"] & 1
        ]


def test_each_module_is_a_build_of_a_file_at_its_own_addresses(files: tuple[Path, ...]) -> None:
    for path in files:
        found = modules(path)
        assert {NAME, LIBC} < found.keys()
        assert found[NAME].path == str(program().resolve())
        for module in found.values():
            code = code_of(module)
            assert all(
                any(begin <= key.rip < end for begin, end, _ in code) for key in module.memops
            )
    assert "libm.so.6" in modules(files[-1])


def test_runs_come_together_wherever_the_library_was(
    files: tuple[Path, ...], tmp_path: Path
) -> None:
    runs = [modules(path)[LIBC] for path in files]
    both = merged(files, tmp_path)[LIBC]
    assert both.memops.keys() == runs[0].memops.keys() | runs[1].memops.keys()
    common = runs[0].memops.keys() & runs[1].memops.keys()
    assert len(common) > 0.8 * len(both.memops)
    for key in common:
        executions = [one.memops[key].executions for one in runs]
        assert both.memops[key].executions == (executions[0] or 0) + (executions[1] or 0)


def test_builds_of_one_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stripped, it is the same build, also where its headers are among its code; without a build id
    it is known by its code. Optimised in another way it is another one."""
    together = "-Wl,-z,noseparate-code"
    whole, stripped = compiled(SOURCE, together), tmp_path / NAME
    subprocess.run(["strip", "-o", str(stripped), str(whole)], check=True)
    nameless = compiled(SOURCE, "-Wl,--build-id=none")
    made = []
    for number, each in enumerate((whole, stripped, program(), nameless, compiled(SOURCE, "-O1"))):
        made.append(tmp_path / f"{number}.json")
        assert run(f"--profile-out {made[-1]}", each).returncode == 0
    merged = tmp_path / "merged"
    capsys.readouterr()
    assert main(["profile", "merge", *map(str, made), "-o", str(merged)]) == 0
    notes = capsys.readouterr().err
    runs = [modules(path)[NAME] for path in made]
    found = [one for one in read_profile(merged.read_bytes(), "").programs if one.name == NAME]
    assert [one.identity for one in found] == [runs[at].identity for at in (0, 2, 4)]
    counts = [
        sum(facts.executions or 0 for facts in one.memops.values()) for one in (*runs, *found)
    ]
    assert counts[5:] == [counts[0] + counts[1], counts[2] + counts[3], counts[4]]
    assert f"{NAME}: 2 files of build id {runs[0].identity}, which were changed" in notes
    assert f"{NAME}: 3 builds, kept apart" in notes


def test_functions_of_program_and_libraries(
    files: tuple[Path, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own thread's memory needs no order, the counter and the mutex do; all is counted."""
    page = tmp_path / "page.html"
    line = ["profile", "show", str(files[0]), "--functions", "-n", "100000"]
    assert main([*line, "--json", "--html", str(page)]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = {(row["program"], row["function"]): row for row in report["rows"]}
    fill, add = rows[NAME, "fill"], rows[NAME, "add"]
    # Neither its own memory nor its stack, which its maker touched first.
    assert fill["executions"] - fill["owned"] == fill["in_order"] == 0
    assert fill["executions"] >= THREADS * ROUNDS * OWN
    assert add["in_order"] >= THREADS * ROUNDS
    lines = SOURCE.read_text().splitlines()
    source, number = add["line"].rsplit(":", 1)
    assert Path(source).name == SOURCE.name
    assert any(word in lines[int(number) - 1] for word in ("&lock", "counter += value", "void add"))
    locks = [row for (of, name), row in rows.items() if of == LIBC and "mutex_lock" in str(name)]
    assert sum(row["in_order"] for row in locks) >= THREADS * ROUNDS
    assert report["headline"].startswith("order is needed in ")
    assert "mutex_lock" in report["headline"]
    html = page.read_text()
    assert all(f"{name}: " in html for name in (NAME, LIBC))
    stores = [
        facts
        for facts in modules(files[0])[NAME].memops.values()
        if facts.access is ProfileAccess.STORE and facts.executions == THREADS * ROUNDS * OWN
    ]
    assert [facts.need for facts in stores] == [Need.OWNED]


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
def test_functions_of_glib_that_threads_share_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], threads: str
) -> None:
    """By its dynamic symbols: what goes through a queue is not one thread's, its locals are."""
    pool, out = compiled(PROGRAMS / "linux/pool.c", GLIB), tmp_path / "profile.json"
    expected = subprocess.run([str(pool)], capture_output=True, text=True, check=True).stdout
    done = run(f"--threads {threads} --profile-out {out}", pool)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    assert main(["profile", "show", str(out), "--functions", "-n", "100000", "--json"]) == 0
    rows = {row["function"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    for name in ("g_queue_push_tail", "g_queue_pop_head", "g_mutex_lock", "g_mutex_unlock", "work"):
        assert rows[name]["in_order"] >= PIECES, name
    own = rows["add_up"]
    assert own["owned"] == own["executions"] >= 2 * PIECES * OWN_OF_POOL


def test_a_stripped_program_says_where_names_come_from(
    files: tuple[Path, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its file has none; where its debug file is, it does not matter."""
    stripped = tmp_path / NAME
    subprocess.run(["strip", "-o", str(stripped), str(program())], check=True)
    learned = tmp_path / "learned.json"
    learned.write_text(files[0].read_text().replace(str(program().resolve()), str(stripped)))
    line = ["profile", "show", str(learned), "--functions", "-n", "100000"]
    assert main(line) == 0
    assert f"functions without names are of stripped files: {NAME}" in capsys.readouterr().out
    root = tmp_path / "root"
    build_id = modules(files[0])[NAME].identity.build_id
    debug = root / f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
    debug.parent.mkdir(parents=True)
    subprocess.run(["objcopy", "--only-keep-debug", str(program()), str(debug)], check=True)
    (root / "usr/bin").mkdir()
    shutil.copy(stripped, root / "usr/bin")
    assert main([*line, "--sysroot", str(root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "add" in {row["function"] for row in report["rows"] if row["program"] == NAME}
    assert not any("stripped" in note for note in report["notes"])


def test_fex_is_told_of_program_and_libraries(files: tuple[Path, ...], tmp_path: Path) -> None:
    """A strict reader takes it; what was seen to need order has it, mapped as ld.so maps libraries:
    whole, then by segments."""
    out = tmp_path / "fex"
    found = merged(files, tmp_path, "--fex", str(out))
    told = fex.read(out.read_text())
    need = {
        name: {key.rip for key, facts in module.memops.items() if facts.needs_order}
        for name, module in found.items()
    }
    assert told.keys() == {name for name, ordered in need.items() if ordered} > {NAME}
    for name, module in told.items():
        ((begin, end, offset),) = code_of(found[name])
        mapping = fex.Mapping(MOVED + offset, -(-(end - begin) // PAGE) * PAGE, offset)
        mapped = fex.applied(module, mapping)
        seen = {MOVED + rip for rip in need[name]}
        assert seen <= mapped.ordered
        assert all(any(one <= rip < stop for one, stop in mapped.ranges) for rip in seen)
        first = fex.applied(module, fex.Mapping(MOVED, mapping.length + offset + PAGE, 0))
        assert set(first.ranges) <= set(mapped.ranges)
        inside = {
            MOVED + key.rip: facts
            for key, facts in found[name].memops.items()
            if any(one <= MOVED + key.rip < stop for one, stop in mapped.ranges)
        }
        without = {at for at in inside if at not in mapped.ordered}
        assert without  # the ranges are for these
        for at in without:
            assert inside[at].need is Need.OWNED
            assert inside[at].access is ProfileAccess.LOAD


def test_a_profile_gives_memops_their_first_modes(files: tuple[Path, ...], tmp_path: Path) -> None:
    """Code that is made when it is reached takes it, too."""
    without, with_it = (counted(files[0]), counted(again(files[0], tmp_path)))
    assert with_it[0] < without[0] / 2
    assert with_it[1] < without[1]


def test_a_profile_of_another_build_is_said(files: tuple[Path, ...], tmp_path: Path) -> None:
    """What it has of the same libraries is used all the same. Without a build id, as in version 1,
    the code is compared."""
    other = compiled(SOURCE, "-O1")
    known = modules(files[0])[NAME].identity
    done = run(f"--profile-in {files[0]} --profile-out {tmp_path / 'other.json'}", other)
    build_id = modules(tmp_path / "other.json")[NAME].identity.build_id
    assert done.stderr == (
        f"mtetso: --profile-in {files[0]}: its {NAME} has build id {known.build_id[:7]}…, "
        f"this one has {build_id[:7]}…\n"
    )
    older = json.loads(files[0].read_text()) | {"version": 1}
    for one in older["programs"]:
        del one["build_id"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(older))
    assert run(f"--profile-in {old}", program()).stderr == ""
    said = run(f"--profile-in {old}", other).stderr
    assert said.startswith(f"mtetso: --profile-in {old}: its {NAME} has code digest 0x")
    assert said.count("\n") == 1


def test_programs_that_another_one_executes_need_no_profile(tmp_path: Path) -> None:
    """A script executes many: one line is of what was started."""
    dash, of_dash, of_true = Path("/usr/bin/dash"), tmp_path / "dash.json", tmp_path / "true.json"
    run(f"--profile-out {of_dash}", dash, "-c", ":")
    run(f"--profile-out {of_true}", Path("/usr/bin/true"))
    script = ("-c", "/usr/bin/seq 2; exec /usr/bin/seq 1")
    assert run(f"--profile-in {of_dash}", dash, *script).stderr == ""
    done = run(f"--profile-in {of_true}", dash, *script)
    assert done.stdout.split() == ["1", "2", "1"]
    assert done.stderr.startswith(
        f"mtetso: --profile-in {of_true}: nothing in it is of dash: it is of true, "
    )
    assert done.stderr.count("\n") == 1


def test_a_trace_is_not_the_program_s(tmp_path: Path) -> None:
    """A program that closes its descriptor, or has a file of its own by that number, ends it.

    The file is whole records, and nothing of it is in the program's. What it executes goes on.
    """
    traced, other = tmp_path / "trace", tmp_path / "other"
    guest = compiled(PROGRAMS / "linux/reuses.c")
    done = run(f"--trace {traced}", guest, str(other))
    assert (done.returncode, done.stdout) == (0, "reached its end\n")
    assert done.stderr == (
        "mtetso: --trace: the program has closed the trace's descriptor: its file ends here\n"
    )
    assert other.read_bytes() == b"mine"
    size = traced.stat().st_size
    assert size > 0
    assert size % TRACE_RECORD == 0
    sizes = []
    for script in ("exit 0", "exec /usr/bin/true"):
        assert run(f"--trace {traced}", Path("/usr/bin/dash"), "-c", script).returncode == 0
        sizes.append(traced.stat().st_size)
    assert sizes[1] > 1.5 * sizes[0]


def test_what_a_signal_of_its_own_ends_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    ended = run(f"--profile-out {out}", guest_crashes.program("dynamic"), "abort")
    assert ended.returncode == -signal.SIGABRT
    ran = modules(out)["crashes-dynamic"].memops.values()
    assert any(facts.executions for facts in ran)


def test_what_ran_before_exec_is_kept(tmp_path: Path) -> None:
    """The next program has a file of its own: here it dies of a fault."""
    out = tmp_path / "profile.json"
    ended = run(f"--profile-out {out}", guest_crashes.program("deaths"), "exec")
    assert ended.returncode == -signal.SIGSEGV
    (after,) = tmp_path.glob("profile.json.*")
    before, later = (modules(path)["crashes-deaths"] for path in (out, after))
    assert any(facts.executions for facts in before.memops.values())
    # Only the second one is asked to write to address 0.
    assert before.memops.keys() != later.memops.keys()


def test_each_program_of_a_process_has_a_file(tmp_path: Path) -> None:
    """Of one process id: a number tells them apart."""
    out = tmp_path / "profile-%p.json"
    guest = ("/usr/bin/env", "env", "dash", "-c", "exec true")
    with subprocess.Popen(command("--profile-out", out, *guest)) as process:
        assert process.wait(LIMIT_S) == 0
    own = tmp_path / f"profile-{process.pid}.json"
    names = ["env", "env", "dash", "true"]
    files = [own, *(own.with_name(f"{own.name}.{number}") for number in (1, 2, 3))]
    assert sorted(tmp_path.iterdir()) == files
    for file, name in zip(files, names, strict=True):
        first, *_ = read_profile(file.read_bytes(), str(file)).programs
        assert first.name == name
        assert any(facts.executions for facts in first.memops.values())


def test_a_program_that_goes_elsewhere_leaves_its_profile_here(tmp_path: Path) -> None:
    """Also the one that it executes there, and its calls: names are of where the runtime began."""
    here, there = tmp_path / "100%p", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    script = f"cd {there}; exec /usr/bin/true"
    words = command("--profile-out=profile", "--trace-calls", "calls", "/usr/bin/dash")
    with subprocess.Popen([*words, "-c", script], cwd=here) as process:
        assert process.wait(LIMIT_S) == 0
    assert {one.name for one in here.iterdir()} == {"profile", f"profile.{process.pid}", "calls"}
    assert not [*there.iterdir()]
    calls = (here / "calls").read_text()
    assert calls.index("chdir(") < calls.index("exit_group(")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/profile", "no file can be made in its folder: No such file or directory"),
        ("", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_anything_runs(
    tmp_path: Path, name: str, said: str
) -> None:
    done = run(f"--profile-out {tmp_path}/{name}", Path("/usr/bin/echo"), "ran")
    assert done.returncode == 66
    assert done.stderr == f"mtetso: cannot write the profile {tmp_path}/{name}: {said}\n"
    assert done.stdout == ""


def test_a_limit_of_the_program_leaves_the_older_profile(tmp_path: Path) -> None:
    """It ends as it would, and not of the signal that the kernel sends to who writes too much."""
    out = tmp_path / "profile"
    out.write_text("older")
    dash = Path("/usr/bin/dash")
    done = run(f"--profile-out {out}", dash, "-c", "ulimit -f 1; exit 3")
    assert done.returncode == 3
    why = "File too large; the older one stays"
    assert done.stderr == f"mtetso: cannot write the profile {out}: {why}\n"
    assert [one.read_text() for one in tmp_path.iterdir()] == ["older"]


def test_a_full_device_is_said() -> None:
    done = run("--profile-out /dev/full", Path("/usr/bin/true"))
    assert done.returncode == 0
    assert done.stderr == "mtetso: cannot write the profile /dev/full: No space left on device\n"


def test_messages_are_not_the_program_s(tmp_path: Path) -> None:
    """Programs of coreutils close standard error at their end; others have a file there."""
    done = run("--profile-summary", Path("/usr/bin/seq"), "2")
    assert done.stderr.startswith("mtetso: of ")
    other = tmp_path / "other"
    done = run("--profile-summary", Path("/usr/bin/dash"), "-c", f"exec 2>{other}; echo mine >&2")
    assert done.stderr.startswith("mtetso: of ")
    assert other.read_text() == "mine\n"


def test_who_reads_the_messages_waits_for_no_child(tmp_path: Path) -> None:
    """One by fork that has neither standard output nor standard error lives on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"(exec >/dev/null 2>&1; read line <{pipe}) &"
    words = command("--profile-out", tmp_path / "profile", "/usr/bin/dash", "-c", script)
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(LIMIT_S) == 0
        assert len([*tmp_path.glob("profile*")]) == 1  # the child has not ended
    pipe.write_text("line\n")


def test_files_of_the_runtime_take_no_number_of_the_program_s(tmp_path: Path) -> None:
    """Which has the lowest one that is free, as natively."""
    options = " ".join(
        f"--{one} {tmp_path}/{one}" for one in ("profile-out", "trace-calls", "trace")
    )
    numbers = []
    for each in ("", options):
        done = run(each, Path("/usr/bin/ls"), "/proc/self/fd")
        assert done.returncode == 0
        numbers.append({int(number) for number in done.stdout.split()})
    assert {number for number in numbers[1] if number < 1000} == numbers[0]


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
def test_descriptors_are_the_program_s(tmp_path: Path, threads: str) -> None:
    """All but three are free to it; it ends by a signal, and its files have what it wrote."""
    log, out = tmp_path / "log", tmp_path / "profile"
    taken = " ".join(f"{number}>>{log}" for number in range(3, 10))
    script = f"exec {taken}; echo ready; read line"
    calls = ("--trace-calls", tmp_path / "calls")
    words = command(
        "--threads", threads, "--profile-out", out, *calls, "/usr/bin/dash", "-c", script
    )
    with subprocess.Popen(
        [*signals.FRESH, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == -signal.SIGTERM
    assert log.read_bytes() == b""
    assert "] write(0x1, " in (tmp_path / "calls").read_text()
    assert any(facts.executions for facts in modules(out)["dash"].memops.values())


def test_a_device_that_stays_full_is_said_once() -> None:
    """It is tried every second, and at the end."""
    words = command("--threads", "threads", "--profile-every", "1", "--profile-out", "/dev/full")
    with subprocess.Popen(
        [*words, "/usr/bin/dash", "-c", "read line || exit 0"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        first = process.stderr.readline()
        process.stdin.close()
        assert process.stderr.read() == ""
    assert first == "mtetso: cannot write the profile /dev/full: No space left on device\n"
    assert process.returncode == 0


def test_processes_that_share_a_file_leave_a_whole_one(tmp_path: Path) -> None:
    """Of the one that ended last."""
    out = tmp_path / "profile"
    programs = [["/usr/bin/true"], ["/usr/bin/echo", "one"], ["/usr/bin/dash", "-c", "exit 0"]]
    runs = [subprocess.Popen(command("--profile-out", out, *one)) for one in programs]
    assert [one.wait(LIMIT_S) for one in runs] == [0, 0, 0]
    assert [*tmp_path.iterdir()] == [out]
    names = set(modules(out))
    assert len(names & {"true", "echo", "dash"}) == 1


def test_a_name_that_is_no_text_is_written(tmp_path: Path) -> None:
    named = os.fsencode(tmp_path) + b"/caf\xe9"
    shutil.copy("/usr/bin/true", named)
    out = tmp_path / "profile"
    words = [*command("--profile-out", out), named]
    assert subprocess.run(words, timeout=LIMIT_S, check=False).returncode == 0
    assert "caf\ufffd" in modules(out)


def test_a_child_counts_from_its_fork_on(tmp_path: Path) -> None:
    """What its parent ran is its parent's: the dynamic linker, and `main` up to the fork."""
    out = tmp_path / "profile.json"
    assert run(f"--profile-out {out}", guest_crashes.program("deaths"), "fork").returncode == 0
    (child,) = tmp_path.glob("profile.json.*")
    counts = []
    for path in (out, child):
        linker = modules(path)["ld-linux-x86-64.so.2"].memops.values()
        counts.append(sum(facts.executions or 0 for facts in linker))
    assert counts[0] > 10_000
    assert counts[1] < counts[0] / 10


def test_instructions_that_need_order_have_it() -> None:
    """Against a record of who touched what; all are libraries' and a program's, by executions."""
    need, ours = needed(["counter"], LIMIT_S), profiled(["counter"], LIMIT_S)
    assert 0.02 * need.accesses < need.shared <= need.memops
    assert need.memops <= ours.in_order <= 1.1 * need.memops
    assert ours.faults < need.shared
    assert not ours.alone


@pytest.mark.parametrize("script", ["", "(exit 1) | cat text | wc -l; sleep 0 & wait"])
def test_processes_without_threads_need_none(script: str) -> None:
    assert profiled(["/usr/bin/dash", "-c", script], LIMIT_S).alone


def again(profile: Path, folder: Path) -> Path:
    out = folder / "again.json"
    assert run(f"{RUNS[0]} --profile-in {profile} --profile-out {out}", program()).returncode == 0
    return out


def counted(path: Path) -> tuple[int, int]:
    """Patches and faults of all memops."""
    memops = [facts for module in modules(path).values() for facts in module.memops.values()]
    return sum(one.flips for one in memops), sum(one.faults for one in memops)
