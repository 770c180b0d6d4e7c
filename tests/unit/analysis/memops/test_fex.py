"""FEX-Emu's metadata: what it says of a program whose instructions are known, and what it refuses.

The text is read by a strict reader, which also plays what FEX does with it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mtedbg.analysis.memops.fex import fex_text
from mtedbg.cli import main
from mtedbg.dataclass import replace
from mtedbg.errors import FileFormatError, UsageError
from mtedbg.formats.guest_elf import guest_image
from mtedbg.formats.profile import profile_text
from mtedbg.model.guest import GuestImage
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
from tests.support import fex

LOCAL, SHARED = ProfileMode.LOCAL, ProfileMode.SHARED
LOAD = ProfileAccess.LOAD

CODE, OFFSET = 0x401040, 0x1040
MAPPED = fex.Mapping(0x401000, 0x1000, 0x1000)
# Two functions; instructions with an access are named.
PARTS = (
    ("", "48 89 c8"),  # mov rax, rcx
    ("load", "48 8b 07"),  # mov rax, [rdi]
    ("store", "48 89 06"),  # mov [rsi], rax
    ("jump", "75 f5"),  # jne
    ("alone", "8b 0f"),  # mov ecx, [rdi]
    ("call", "e8 04 00 00 00"),
    ("after", "8b 17"),  # mov edx, [rdi]
    ("return", "f3 c3"),  # repz ret
    ("second", "f0 48 0f b1 0f"),  # lock cmpxchg [rdi], rcx
    ("end", "c3"),
)


def laid_out() -> tuple[bytes, dict[str, int]]:
    """The code, and where its instructions are."""
    code, at = b"", {}
    for name, text in PARTS:
        at[name or "start"] = CODE + len(code)
        code += bytes.fromhex(text)
    return code, at


BYTES, AT = laid_out()
END = CODE + len(BYTES)


def program(
    functions: tuple[int, ...] = (AT["start"], AT["second"]), machine: int = 62, kind: int = 2
) -> bytes:
    """An ELF file with the code, and symbols of functions."""
    headers = struct.pack("<IIQQQQQQ", 1, 4, 0, 0x400000, 0, 0x200, 0x200, 4096)
    headers += struct.pack("<IIQQQQQQ", 1, 5, OFFSET, CODE, 0, len(BYTES), len(BYTES), 4096)
    symbols = b"".join(struct.pack("<IBBHQQ", 0, 2, 0, 1, at, 0) for at in functions)
    place = OFFSET + len(BYTES)
    sections = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, place, len(symbols), 0, 0, 8, 24)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    fields = (kind, machine, 1, CODE, 64, place + len(symbols), 0, 64, 56, 2, 64, 1, 0)
    header = ident + struct.pack("<HHIQQQIHHHHHH", *fields)
    return (header + headers).ljust(OFFSET, b"\0") + BYTES + symbols + sections


def image_of(data: bytes) -> GuestImage:
    return guest_image(data, "guest.elf")


BUILD_ID = "aa"


def learned(*shared: str, name: str = "guest.elf", extra: tuple[int, ...] = ()) -> Profile:
    """A profile in which these accesses are shared, of all that the program has."""
    names = ("load", "store", "alone", "call", "after", "return", "second", "end")
    memops = {
        MemopKey(AT[one], 0): MemopFacts(LOAD, 8, SHARED if one in shared else LOCAL, executions=1)
        for one in names
    }
    memops |= {MemopKey(at, 0): MemopFacts(LOAD, 8, SHARED) for at in extra}
    identity = ModuleIdentity(image_of(program()).digest, BUILD_ID)
    return Profile((ProgramProfile(name, identity, memops),))


def images(data: bytes = b"") -> list[GuestImage]:
    return [replace(image_of(data or program()), build_id=BUILD_ID)]


def told(profile: Profile, data: bytes = b"") -> fex.Told:
    (module,) = fex.read(fex_text(profile, images(data))[0]).values()
    return fex.applied(module, MAPPED)


def test_the_text() -> None:
    text, notes = fex_text(learned("load"), images())
    assert text == "guest.elf;0x1040-0x104b;0x43\n"
    assert notes == ("guest.elf: 1 instruction needs order",)


@pytest.mark.parametrize("shared", [("load",), ("store", "after"), ("second",), ("alone", "end")])
def test_what_was_shared_stays_ordered_and_what_ran_with_it_does_not(
    shared: tuple[str, ...],
) -> None:
    known = told(learned(*shared))
    leaps = ["jump", "call", "return", "end"]
    begin, blocks = CODE, []
    for leap in leaps:
        number = [name or "start" for name, _ in PARTS].index(leap)
        end = CODE + sum(len(bytes.fromhex(text)) for _, text in PARTS[: number + 1])
        # FEX may come in at any instruction of a run, as the loop does at its second.
        blocks += [(at, end) for at in AT.values() if begin <= at < end]
        begin = end
    for block in blocks:
        inside = {name: at for name, at in AT.items() if block[0] <= at < block[1]}
        ran = any(name in shared for name in inside)
        for name, at in inside.items():
            assert known.is_ordered(block, at) is (name in shared or not ran), (block, name)


def test_what_is_not_known_stays_ordered_where_something_is_not() -> None:
    """It may stand in a run of which the rest was executed: without elements, it was not itself."""
    profile = learned("load")
    (module,) = profile.programs
    unknown = MemopFacts(LOAD, 8, LOCAL, executions=0)
    memops = {**module.memops, MemopKey(AT["store"], 0): unknown}
    doubted = Profile((replace(module, memops=memops),))
    assert fex_text(doubted, images())[0] == "guest.elf;0x1040-0x104b;0x43,0x46\n"


@pytest.mark.parametrize("access", [ProfileAccess.STORE, ProfileAccess.RMW])
def test_a_store_stays_ordered_where_something_is_not(access: ProfileAccess) -> None:
    """It may hand memory over: that comes before others touch it, in every run."""
    profile = learned("load")
    (module,) = profile.programs
    owned = MemopFacts(access, 8, LOCAL, executions=1)
    assert not owned.needs_order
    memops = {**module.memops, MemopKey(AT["store"], 0): owned, MemopKey(AT["alone"], 0): owned}
    stored = Profile((replace(module, memops=memops),))
    assert fex_text(stored, images())[0] == "guest.elf;0x1040-0x104b;0x43,0x46\n"


def test_other_mappings_of_the_file_get_nothing() -> None:
    (module,) = fex.read(fex_text(learned("load"), images())[0]).values()
    for mapping in (fex.Mapping(0x400000, 0x200, 0), fex.Mapping(0x700000, 0x40, 0x3000)):
        assert fex.applied(module, mapping).ranges == ()


def library(lowest: int) -> tuple[GuestImage, Profile]:
    """A library with the code at its offset and `lowest` more, and a profile of it."""
    moved = program(kind=3)
    for place in (64 + 16, 64 + 56 + 16):  # addresses in its two program headers
        (address,) = struct.unpack_from("<Q", moved, place)
        moved = moved[:place] + struct.pack("<Q", address - 0x400000 + lowest) + moved[place + 8 :]
    image = replace(image_of(moved), build_id=BUILD_ID)
    (guest,) = learned("load").programs
    by = 0x400000 - lowest
    memops = {MemopKey(key.rip - by, key.ordinal): facts for key, facts in guest.memops.items()}
    identity = ModuleIdentity(image.digest, BUILD_ID)
    return image, Profile((replace(guest, name="lib.so", identity=identity, memops=memops),))


def test_a_library_is_mapped_whole_and_then_by_segments() -> None:
    """What the first mapping is told holds for good: it must not be about other code."""
    image, profile = library(0)
    text, notes = fex_text(profile, [image])
    assert notes == ("lib.so: 1 instruction needs order",)
    (module,) = fex.read(text).values()
    base = 0x7F0000000000
    whole = fex.applied(module, fex.Mapping(base, 0x3000, 0))
    code = fex.applied(module, fex.Mapping(base + 0x1000, 0x1000, 0x1000))
    assert code.ranges
    assert set(whole.ranges) <= set(code.ranges)
    assert code.ordered == {base + 0x1043}


def test_a_library_whose_addresses_are_not_its_offsets_is_left_out() -> None:
    image, profile = library(0x1000)
    text, (note,) = fex_text(profile, [image])
    assert text == "\n"
    assert note.startswith("lib.so: its code is not at its offset in the file")


def test_what_fex_cannot_tell_apart_is_left_out() -> None:
    """It knows a module by its file's name: offsets of one build would be taken for the other's."""
    (one,) = learned("load").programs
    (other,) = learned().programs
    other = replace(other, identity=ModuleIdentity(1, "bb"))
    text, notes = fex_text(Profile((one, other)), images())
    assert text == "\n"
    assert notes[0].startswith("guest.elf: 2 builds, which FEX cannot tell apart")
    (nowhere,) = learned("load", name=ANONYMOUS).programs
    text, notes = fex_text(Profile((nowhere,)), [])
    assert (text, notes[0][:15]) == ("\n", "code of no file")


def test_the_reader_of_the_tests_finds_what_is_wrong() -> None:
    for text in (
        *("a", "a;;\n", "a;0x0-0x1\n", "a;0x0-0x1;\n", "a;0-1;0\n", "a;0x1-0x0;0x0\n", ":\n"),
        *("a;0x0-0x1,0x1-0x2;0x0\n", "a;0x0-0x1;0x0:a;0x0-0x1;0x0\n", "a;0x0-0x1;0x00\n"),
    ):
        with pytest.raises(fex.WrongError):
            fex.read(text)
    assert fex.read("\n") == {}


def test_a_program_that_needs_no_order_is_left_out() -> None:
    """A module without ranges would be one without any order at all."""
    text, notes = fex_text(learned(), {})
    assert text == "\n"
    assert notes == (
        "guest.elf: no instruction was seen to need ordering; FEX keeps all of them ordered",
    )


def test_a_stripped_program_gets_what_is_sure() -> None:
    known = told(learned("store"), program(functions=()))
    assert known.ranges == ((AT["store"], AT["alone"]),)


def test_functions_that_begin_in_the_middle_of_an_instruction() -> None:
    """Where the decoder is led astray, the instruction itself is what there is."""
    astray = program(functions=(AT["load"] + 1,))
    assert fex_text(learned("load"), images(astray))[0] == "guest.elf;0x1043-0x104b;0x43\n"
    astray = program(functions=(AT["load"] - 1,))
    assert fex_text(learned("load"), images(astray))[0] == "guest.elf;0x1043-0x104b;0x43\n"


def test_what_is_no_such_program() -> None:
    data = program()
    for bad, said in (
        (b"", "is empty"),
        (b"\x7fELF\x01" + data[5:], "has a 32-bit ELF header"),
        (program(machine=183), "for machine 183"),
        (data[:0x1045], "is cut off"),
        (data[:56] + bytes(2) + data[58:], "has no program headers"),
        (data[:124] + b"\0" + data[125:], "has no code"),
    ):
        with pytest.raises(FileFormatError, match=said):
            image_of(bad)


def test_what_cannot_be_told() -> None:
    with pytest.raises(UsageError, match=r"the file of guest\.elf \(aa\) is needed"):
        fex_text(learned("load"), [])
    for nowhere in (0x500000, END):
        with pytest.raises(FileFormatError, match=f"at {nowhere:#x}, where there is none"):
            fex_text(learned(extra=(nowhere,)), images())
    for name in ("a:b", "a;b", "a,b", "", "a\nb", "\x1b[31m"):
        with pytest.raises(FileFormatError, match="cannot be a module's name"):
            fex_text(learned("load", name=name), images())


def test_the_program_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile, guest, out = (tmp_path / name for name in ("profile", "guest.elf", "out"))
    profile.write_text(profile_text(learned("load")))
    guest.write_bytes(program())
    words = ["profile", "merge", str(profile), str(profile), "-o", str(tmp_path / "sum")]
    assert main([*words, "--fex", str(out)]) == 2
    assert "give it with --guest" in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--fex", str(out), "--guest", str(guest)]) == 0
    assert out.read_text() == "guest.elf;0x1040-0x104b;0x43\n"
    assert f"written: {out}" in capsys.readouterr().err
    with_path = profile_text(learned("load")).replace('"path": ""', f'"path": "{guest}"')
    profile.write_text(with_path)
    assert main([*words, "--fex", str(out)]) == 0
    assert "guest.elf: FEX looks only at files that" in capsys.readouterr().err
    guest.chmod(0o755)
    assert main([*words, "--fex", str(out)]) == 0
    assert "FEX looks only" not in capsys.readouterr().err
    changed = bytearray(program())
    changed[OFFSET] ^= 1
    guest.write_bytes(changed)
    assert main([*words, "--fex", str(out), "--guest", str(guest)]) == 2
    assert "is needed" in capsys.readouterr().err
    assert main([*words, "--guest", str(guest)]) == 2
    assert "--guest and --sysroot need --fex" in capsys.readouterr().err
