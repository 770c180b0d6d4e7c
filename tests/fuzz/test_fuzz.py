"""Some seconds of fuzzing, every find of earlier hours, and damage with a structure."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import MOST_MEMORY
from tests.fuzz.seeds import kept, seeds
from tests.fuzz.targets import TARGETS, opened, read, root, slots
from tests.support import runtime_image
from tests.support.runtime_image import BASE

ROOT = Path(__file__).resolve().parents[2]
SECONDS, LIMIT_S = 20, 900
PATIENCE_S = 20.0
FREELY = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_some_seconds() -> None:
    """That each target fuzzes; `make fuzz` does so for an hour."""
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(SECONDS)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ok\n") == len(TARGETS), done.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept(name: str) -> None:
    """Finds, and inputs that each reach something of their own."""
    inputs = list(kept(name))
    assert len(inputs) > 10
    for data in inputs:
        begin = time.process_time()
        TARGETS[name](data)
        assert time.process_time() - begin < PATIENCE_S


@pytest.mark.parametrize("name", TARGETS)
def test_sound_input_goes_all_the_way(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


CUT_OFF = ("elf", "minidump", "tombstone", "notes", "guest", "profile", "name")


@pytest.mark.parametrize("name", CUT_OFF)
def test_cut_off_at_every_byte(name: str) -> None:
    for seed in seeds(name):
        for size in range(len(seed)):
            TARGETS[name](seed[:size])


@FREELY
@given(st.integers(0, 4095), st.sampled_from([1, 2, 4, 8]), st.integers(0, (1 << 64) - 1))
def test_each_field_of_an_elf_core(place: int, width: int, value: int) -> None:
    for seed in seeds("elf"):
        at = place % len(seed)
        damaged = bytearray(seed)
        damaged[at : at + width] = value.to_bytes(8, "little")[:width]
        read(bytes(damaged))


def fields() -> list[int]:
    """Offsets of all words of what the root names: root, schema's head, names, tables, records."""
    return [*range(0, min(len(runtime_image.image().data), 1 << 15), 4)]


EVIL = st.sampled_from(
    [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 1 << 31, (1 << 32) - 1, BASE & 0xFFFFFFFF, 0xDEAD0000]
) | st.integers(0, (1 << 32) - 1)


@FREELY
@given(st.lists(st.tuples(st.sampled_from(fields()), EVIL), min_size=1, max_size=4))
def test_fields_of_the_root_and_its_records(changes: list[tuple[int, int]]) -> None:
    data = b"".join(
        place.to_bytes(3, "little") + b"\x02" + value.to_bytes(4, "little")
        for place, value in changes
    )
    root(data)
    slots(data)


def huge(count: int) -> bytes:
    """A small file that speaks of much: each of its headers is of a terabyte of holes."""
    from tests.support.elf_core import file_header, program_header

    headers = b"".join(
        program_header(1, 6, 0, number << 40, 0, 1 << 40) for number in range(1, count + 1)
    )
    tagged = program_header(0x70000002, 6, 64, 1 << 40, 1 << 35, 1 << 40)
    return file_header(4, headers=count + 1) + headers + tagged


def test_memory_does_not_follow_what_a_file_says() -> None:
    """Of each target's sound and of boastful input: peak of a process with such a limit."""
    code = (
        "from tests.fuzz.__main__ import limited\n"
        "from tests.fuzz.seeds import seeds\n"
        "from tests.fuzz.targets import TARGETS, read\n"
        "from tests.fuzz.test_fuzz import huge\n"
        "from tests.support.runtime_image import image\n"
        "image(), image(form='slots')  # programs make them, whose memory is no reader's\n"
        "limited(read)(b'')\n"
        "read(huge(4000))\n"
        "[TARGETS[name](seed) for name in TARGETS for seed in list(seeds(name))[:1]]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_limit_on_memory_is_one() -> None:
    code = (
        "from tests.fuzz.__main__ import MOST_MEMORY, limited\n"
        "limited(lambda data: bytes(len(data) and MOST_MEMORY + (1 << 20)))(b'x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "MemoryError" in done.stderr
    assert MOST_MEMORY == 200 << 20
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
    assert opened(huge(1)) is not None
