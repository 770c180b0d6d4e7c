"""Profiles: made of a process, added up, and shown."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from mtedbg.analysis.memops import profile as query
from mtedbg.analysis.memops.module_names import UNKNOWN, ModuleNames
from mtedbg.analysis.memops.need import by_function, summary, where_in_order
from mtedbg.analysis.memops.profile import profile_of
from mtedbg.analysis.memops.profiles import merge
from mtedbg.cli import main
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.dataclass import replace
from mtedbg.errors import FileFormatError, LayoutError
from mtedbg.formats.profile import profile_text, read_profile
from mtedbg.model.absent import Absent
from mtedbg.model.profile import (
    ANONYMOUS,
    MemopFacts,
    MemopKey,
    ModuleIdentity,
    Profile,
    ProfileAccess,
    ProfileMode,
    ProgramProfile,
)
from tests.support.runtime_image import Image, image

LOCAL, SHARED = ProfileMode.LOCAL, ProfileMode.SHARED
LOAD, STORE, RMW = ProfileAccess.LOAD, ProfileAccess.STORE, ProfileAccess.RMW

Capture = pytest.CaptureFixture[str]
AT = MemopKey(0x401012, 0)


def one(facts: MemopFacts, digest: int = 1, name: str = "copy.elf", build_id: str = "") -> Profile:
    return Profile((ProgramProfile(name, ModuleIdentity(digest, build_id), {AT: facts}),))


def export(made: Image, path: Path, line: str = "") -> str:
    command = find("memops")
    assert command is not None
    return execute(made.session(), command, f"{line} --export '{path}'")


def test_the_memops_of_a_process() -> None:
    profile, notes = profile_of(image().session())
    assert notes == ()
    (program,) = profile.programs
    assert (program.name, program.identity.digest) == ("guest.elf", 0x20089ABCDEF)
    assert program.memops == {
        MemopKey(0x401008, 0): MemopFacts(LOAD, 8, LOCAL),
        MemopKey(0x401010, 0): MemopFacts(STORE, 1, SHARED, flips=1, faults=2),
        # The record does not say so yet: a patch to shared is in flight.
        MemopKey(0x401018, 0): MemopFacts(LOAD, 8, SHARED),
        MemopKey(0x401020, 0): MemopFacts(RMW, 4, LOCAL),
        MemopKey(0x401028, 0): MemopFacts(LOAD, 8, SHARED),
        MemopKey(0x401030, 0): MemopFacts(STORE, 1, LOCAL),
    }


def test_the_file_has_all_of_them_whichever_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "my profile.json"
    printed = export(image(), path, "-n 1 --mode Shared")
    assert f"note: written: {path}\n" in printed
    assert printed.splitlines()[0].startswith("1 of 2 memops")
    assert path.read_text() == profile_text(profile_of(image().session())[0])


def place_of(index: int, name: str) -> int:
    """Where a field of memop number `index` is, as the schema has it."""
    (runtime,) = image().session().runtimes  # type: ignore[misc]
    record = runtime.layout.schema.records["Memop"]
    return image().places["memops"] + index * record.size + record.fields[name].offset


def test_accesses_of_one_instruction_are_counted() -> None:
    made = image().with_word(place_of(2, "guest_rip"), 0x401010)
    (program,) = profile_of(made.session())[0].programs
    assert [(key.ordinal, facts.access) for key, facts in program.memops.items()][1:3] == [
        (0, "store"),
        (1, "load"),
    ]
    assert [key.rip for key in program.memops][1:3] == [0x401010, 0x401010]


def test_damaged_memops_are_left_out_and_counted() -> None:
    made = image().with_word(place_of(0, "mode"), 9, 4)
    profile, notes = profile_of(made.session())
    assert len(profile.programs[0].memops) == 5
    assert notes == ("not in the profile: memops whose records are damaged, 1",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Code.digest :", "Code.digesT :", "image does not distinguish builds of a program"),
        ("Code.name :", "Code.namE :", "no field Code.name"),
    ],
)
def test_a_runtime_that_tells_less(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(LayoutError, match=said):
        export(image().with_schema(old, new), tmp_path / "out")
    assert not [*tmp_path.iterdir()]


def test_counts_are_added_and_shared_wins() -> None:
    local, shared = MemopFacts(LOAD, 8, LOCAL, 2, 3), MemopFacts(LOAD, 8, SHARED, 1, 1)
    merged, notes = merge([("a", one(local)), ("b", one(shared)), ("c", one(local))])
    assert merged == one(MemopFacts(LOAD, 8, SHARED, 5, 7))
    assert notes == ("copy.elf: 1 memop shared in one profile and local in another: shared",)
    assert merge([("b", one(shared)), ("a", one(local)), ("c", one(local))])[0] == merged


def test_pinned_stays() -> None:
    pinned = MemopFacts(LOAD, 8, SHARED, pinned=True)
    merged, _ = merge([("a", one(pinned)), ("b", one(MemopFacts(LOAD, 8, LOCAL)))])
    assert merged.programs[0].memops[AT].pinned


def test_builds_are_kept_apart() -> None:
    facts = MemopFacts(LOAD, 8, LOCAL)
    merged, notes = merge([("a", one(facts, 0x100000001)), ("b", one(facts, 0x200000002))])
    assert [program.identity.digest for program in merged.programs] == [0x100000001, 0x200000002]
    assert notes == ("copy.elf: 2 builds, kept apart: 0x100000001, 0x200000002",)


def test_builds_are_known_by_their_build_ids() -> None:
    """A profile of version 1 has only digests: it is of the build with its digest."""
    facts = MemopFacts(LOAD, 8, LOCAL, executions=1)
    known = [one(facts, build_id="aa"), one(facts, build_id="bb"), one(facts, 2), one(facts)]
    merged, _ = merge([(str(number), each) for number, each in enumerate(known)])
    assert [str(program.identity) for program in merged.programs] == ["aa", "bb", "0x2"]
    assert [program.memops[AT].executions for program in merged.programs] == [2, 1, 1]


def test_a_build_that_was_stripped_is_the_same_build() -> None:
    """Its digest may be another one. What contradicts itself all the same is refused."""
    facts = MemopFacts(LOAD, 8, LOCAL, executions=1)
    known = [("a", one(facts, build_id="aa")), ("b", one(facts, 2, build_id="aa"))]
    merged, (note,) = merge(known)
    assert merged.programs[0].memops[AT].executions == 2
    assert note.startswith("copy.elf: 2 files of build id aa, which were changed after")
    other = one(MemopFacts(STORE, 8, LOCAL), 3, build_id="aa")
    with pytest.raises(FileFormatError, match="elsewhere, a load of 8"):
        merge([*known, ("c", other)])


def test_either_wins_over_shared() -> None:
    modes = [MemopFacts(LOAD, 8, mode) for mode in (SHARED, ProfileMode.EITHER)]
    merged, notes = merge([("a", one(modes[0])), ("b", one(modes[1]))])
    assert merged == one(modes[1])
    assert notes == (
        "copy.elf: 1 memop either in one profile and local or shared in another: either",
    )


def test_executions_that_not_all_profiles_counted_are_not_known() -> None:
    counted = one(MemopFacts(LOAD, 8, LOCAL, executions=5))
    merged, notes = merge([("a", counted), ("b", one(MemopFacts(LOAD, 8, LOCAL)))])
    assert merged == one(MemopFacts(LOAD, 8, LOCAL))
    (note,) = notes
    assert note.startswith("copy.elf: executions of 1 memop are not known")
    assert merge([("a", counted), ("b", counted)])[0].programs[0].memops[AT].executions == 10


def test_the_same_build_under_another_name_is_the_same() -> None:
    facts = MemopFacts(LOAD, 8, LOCAL, 1, 1)
    merged, notes = merge([("a", one(facts)), ("b", one(facts, name="renamed"))])
    assert merged == one(MemopFacts(LOAD, 8, LOCAL, 2, 2))
    assert notes == ()


def test_code_that_changes_as_it_runs_is_not_the_same_in_another_run() -> None:
    load = one(MemopFacts(LOAD, 8, LOCAL), digest=0)
    store = one(MemopFacts(STORE, 4, LOCAL), digest=0)
    merged, notes = merge([("a", load), ("b", store)])
    assert merged.programs == load.programs + store.programs
    assert notes == ("copy.elf: 2 pieces of code that can change as it runs, kept apart",)


def test_a_contradiction_about_the_same_code_is_refused() -> None:
    load, store = MemopFacts(LOAD, 8, LOCAL), MemopFacts(STORE, 4, LOCAL)
    with pytest.raises(FileFormatError) as caught:
        merge([("a.json", one(load)), ("b.json", one(store))])
    assert caught.value.message == (
        "b.json: access 0 of copy.elf's instruction at 0x401012 is a store of 4 bytes;"
        " elsewhere, a load of 8"
    )


def written(path: Path, profile: Profile) -> str:
    path.write_text(profile_text(profile))
    return str(path)


def test_the_program_merges(tmp_path: Path, capsys: Capture) -> None:
    a = written(tmp_path / "a", one(MemopFacts(LOAD, 8, LOCAL, 1, 1)))
    b = written(tmp_path / "b", one(MemopFacts(LOAD, 8, SHARED, 1, 1)))
    assert main(["profile", "merge", a, b]) == 0
    printed = capsys.readouterr()
    merged = read_profile(printed.out.encode(), "out")
    assert merged == one(MemopFacts(LOAD, 8, SHARED, 2, 2))
    assert printed.err == (
        "mtedbg: note: copy.elf: 1 memop shared in one profile and local in another: shared\n"
    )
    assert main(["profile", "merge", a, b, "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out").read_text() == profile_text(merged)


def test_the_program_shows(tmp_path: Path, capsys: Capture) -> None:
    path = written(tmp_path / "a", one(MemopFacts(LOAD, 8, SHARED, 1, 3), 0x42_0000_0007))
    assert main(["profile", "show", path]) == 0
    (said, columns, row, doubt) = capsys.readouterr().out.splitlines()
    assert doubt == "note: other input or another schedule may need order elsewhere"
    assert said == "executions were not counted; 1 instruction needs order"
    assert columns.split() == ["program", "memops", "ordered", "faults", "build"]
    assert row.split() == ["copy.elf", "1", "1", "3", "0x4200000007"]
    assert main(["profile", "show", "--memops", path]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split()[:6] == ["copy.elf", "0x401012", "0", "load", "8", "shared"]
    assert row.endswith("order      1       3  no")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([], "no access was executed: whether order is needed is not known"),
        (
            [MemopFacts(LOAD, 8, LOCAL, executions=0)],
            "no access was executed: whether order is needed is not known",
        ),
        # As in a child, of what its parent met.
        (
            [MemopFacts(LOAD, 8, SHARED, 1, 1, executions=0)],
            "no access was executed; 1 instruction needs order",
        ),
        (
            [MemopFacts(LOAD, 8, LOCAL)],
            "executions were not counted: whether order is needed is not known",
        ),
    ],
)
def test_what_did_not_run_promises_nothing(facts: list[MemopFacts], said: str) -> None:
    """As `summary` of the runtime, whose tests are the same: native/tests/test_profile.cc."""
    memops = {MemopKey(number, 0): each for number, each in enumerate(facts)}
    assert summary(Profile((ProgramProfile("a", ModuleIdentity(1), memops),))) == said


def test_what_was_not_counted_is_not_owned(tmp_path: Path, capsys: Capture) -> None:
    """Of code that was exported without counters, and may never have run."""
    path = written(tmp_path / "a", one(MemopFacts(LOAD, 8, LOCAL)))
    assert main(["profile", "show", path]) == 0
    said = capsys.readouterr().out
    assert (
        "note: executions of 1 of 1 memop were not counted: whether they ran is not known" in said
    )
    assert main(["profile", "show", path, "--memops"]) == 0
    assert "unknown" in capsys.readouterr().out.splitlines()[2].split()


def test_functions_without_names_are_counted() -> None:
    """They may need more order than all that are named."""
    ordered = MemopFacts(LOAD, 8, SHARED, 1, 1, executions=3)
    memops = {MemopKey(rip, 0): ordered for rip in (1, 2, 3)}
    profile = Profile((ProgramProfile("a", ModuleIdentity(1), memops),))

    class Names(ModuleNames):
        def function_at(self, address: int) -> str | Absent:
            return "known" if address == 2 else UNKNOWN

    found = by_function(profile, lambda _: Names())
    said = "order is needed in 9 of 9 executed accesses"
    assert where_in_order(profile, found) == (
        f"{said}: known; 6 of them in functions without names"
    )
    assert where_in_order(profile, by_function(profile, lambda _: ModuleNames())) == said


def test_a_page_has_the_notes_of_the_merge(tmp_path: Path, capsys: Capture) -> None:
    facts = MemopFacts(LOAD, 8, SHARED, 1, 3, executions=2)
    paths = [written(tmp_path / name, one(facts, ord(name))) for name in "ab"]
    page = tmp_path / "page.html"
    for words in ([], ["--functions"], ["--memops"]):
        assert main(["profile", "show", *paths, "--html", str(page), *words]) == 0
        assert "copy.elf: 2 builds, kept apart: 0x61, 0x62" in page.read_text()
        assert "copy.elf: 2 builds, kept apart: 0x61, 0x62" in capsys.readouterr().out


def test_what_is_said_of_a_module_is_said_once(tmp_path: Path, capsys: Capture) -> None:
    facts = MemopFacts(LOAD, 8, SHARED, 1, 3, executions=2)
    paths = [written(tmp_path / name, one(facts, 0, ANONYMOUS)) for name in "abc"]
    assert main(["profile", "show", *paths, "--functions"]) == 0
    assert capsys.readouterr().out.count("code of no file") == 1


def test_functions_and_memops_are_not_shown_at_once(tmp_path: Path, capsys: Capture) -> None:
    path = written(tmp_path / "a", one(MemopFacts(LOAD, 8, SHARED, 1, 3)))
    with pytest.raises(SystemExit) as ended:
        main(["profile", "show", path, "--functions", "--memops"])
    assert ended.value.code == 2
    assert "--memops: not allowed with argument --functions" in capsys.readouterr().err


def header(kind: int, machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HH", kind, machine)


EXPORT = "mtedbg core {} -x 'memops --export PROFILE' writes the profile"


@pytest.mark.parametrize(
    ("contents", "said", "next_step"),
    [
        (header(4, 183), "is a core file, not a profile", f"{EXPORT} that is in it"),
        (b"MDMP\x93\xa7", "is a core file, not a profile", f"{EXPORT} that is in it"),
        (header(3, 62), "is a program, not a profile", "mtetso --profile-out PROFILE {} writes"),
        (
            gzip.compress(b"{}", mtime=0),
            "is compressed with gzip",
            f"unpack it; if it is a core file, {EXPORT}",
        ),
        (b'{"headline": "", "rows": []}', "it is a report of mtedbg's", "give what"),
    ],
)
def test_what_a_profile_can_be_had_of(contents: bytes, said: str, next_step: str) -> None:
    with pytest.raises(FileFormatError, match=said) as caught:
        read_profile(contents, "my file")
    assert caught.value.next_step.startswith(next_step.format("'my file'"))


@pytest.mark.parametrize("command", ["core", "explain"])
def test_others_name_who_reads_profiles(tmp_path: Path, capsys: Capture, command: str) -> None:
    path = written(tmp_path / "a", one(MemopFacts(LOAD, 8, SHARED, 1, 3)))
    assert main([command, path]) == 1
    said = capsys.readouterr().err
    assert "is a profile" in said
    assert f"mtedbg profile show {path}" in said


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (None, "No such file or directory"),
        (b"", "is empty"),
        (b"\x7fELF", "is not a profile: "),
        (header(4, 183), "is a core file, not a profile"),
        (b'{"kind": "mtedbg-profile", "version": 1, "programs": [{}]}', "programs[0] has no name"),
    ],
)
def test_what_is_no_profile_is_refused(
    tmp_path: Path, capsys: Capture, contents: bytes | None, said: str
) -> None:
    good = written(tmp_path / "good", one(MemopFacts(LOAD, 8, LOCAL)))
    bad = tmp_path / "bad"
    if contents is not None:
        bad.write_bytes(contents)
    assert main(["profile", "merge", good, str(bad), "-o", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err.splitlines()[0]
    assert len(printed.err.splitlines()) == 2
    assert not (tmp_path / "out").exists()


def test_a_name_from_a_profile_is_clean_on_a_terminal(tmp_path: Path, capsys: Capture) -> None:
    evil = "\x1b[31mevil\x07"
    facts = MemopFacts(LOAD, 8, LOCAL)
    a = written(tmp_path / "a", one(facts, 1, evil))
    b = written(tmp_path / "b", one(facts, 2, evil))
    assert main(["profile", "show", a, b]) == 0
    assert main(["profile", "merge", a, b, "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert (printed.out + printed.err).replace("\n", "").isprintable()


def test_a_profile_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_MEMOPS", 4)
    profile, notes = profile_of(image().session())
    assert len(profile.programs[0].memops) == 4
    assert notes == ("not in the profile: memops after the first 4",)


def test_a_merged_program_is_where_one_of_its_runs_found_it() -> None:
    facts = MemopFacts(LOAD, 8, LOCAL)
    nowhere = one(facts)
    (program,) = nowhere.programs
    somewhere = Profile((replace(program, path="/opt/copy.elf"),))
    for order in ([nowhere, somewhere], [somewhere, nowhere]):
        (found,) = merge([(str(number), profile) for number, profile in enumerate(order)])[
            0
        ].programs
        assert found.path == "/opt/copy.elf"
        assert not found.is_anonymous
    (anonymous,) = one(facts, name=ANONYMOUS).programs
    assert anonymous.is_anonymous
    assert not replace(anonymous, path="/[anonymous]").is_anonymous
