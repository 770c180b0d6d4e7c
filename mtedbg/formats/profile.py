"""The runtime's profile file: JSON, as `mtetso --profile-out` writes and `--profile-in` reads it.

docs/code.md describes it; `native/src/profile/profile_json.cc` is the runtime's own reader and
writer. A profile comes from elsewhere: whatever it holds is checked before it is used.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.packed import packed_with
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    ModuleIdentity,
    Profile,
    ProfileAccess,
    ProfileMode,
    ProgramProfile,
)

W = TypeVar("W", bound=StrEnum)

KIND = "mtedbg-profile"
VERSION = 2
READABLE = (1, VERSION)
"""Version 1 has no executions and no build ids."""
MOST_BYTES = 1 << 27
"""Some 680,000 memops: a short run of node has 440,000, in 87 MB."""
_LARGEST = (1 << 32) - 1
_MOST_EXECUTIONS = (1 << 64) - 1
_MOST_BUILD_ID = 128


def joined(first: MemopFacts, other: MemopFacts) -> MemopFacts:
    """What two runs say of one memop: counts are added, either wins over shared over local.

    Executions that one of them did not count are not known.
    """
    modes = tuple(ProfileMode)
    counted = first.executions is not None and other.executions is not None
    executions = (first.executions or 0) + (other.executions or 0)
    return MemopFacts(
        first.access,
        first.size,
        max(first.mode, other.mode, key=modes.index),
        min(first.flips + other.flips, _LARGEST),
        min(first.faults + other.faults, _LARGEST),
        first.pinned or other.pinned,
        min(executions, _MOST_EXECUTIONS) if counted else None,
    )


def profile_text(profile: Profile) -> str:
    """The file's text, as the runtime would write it."""
    whole = {
        "kind": KIND,
        "version": VERSION,
        "programs": [
            {
                "name": program.name,
                "path": program.path,
                "build_id": program.identity.build_id,
                "digest": f"{program.identity.digest:#x}",
                "memops": [_memop(key, program.memops[key]) for key in sorted(program.memops)],
            }
            for program in profile.programs
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _memop(key: MemopKey, facts: MemopFacts) -> dict[str, int | str | None]:
    return {
        "rip": f"{key.rip:#x}",
        "ordinal": key.ordinal,
        "access": facts.access,
        "size": facts.size,
        "mode": facts.mode,
        "flips": facts.flips,
        "faults": facts.faults,
        "pinned": facts.pinned,
        "executions": facts.executions,
    }


def says_profile(start: bytes) -> bool:
    """Whether a file that begins so says that it is a profile.

    Args:
        start: its first 64 bytes, or more.
    """
    return re.match(rb'\s*{\s*"kind":\s*"' + KIND.encode() + rb'"', start) is not None


def read_profile(data: bytes, name: str) -> Profile:
    """The profile in a file.

    Args:
        data: its bytes.
        name: of the file, for messages.

    Raises:
        FileFormatError: it is not a profile, is damaged, of another version or too long.
    """
    if len(data) > MOST_BYTES:
        raise FileFormatError(
            f"{name} is longer than {MOST_BYTES >> 20} MiB, and no longer profile is read",
            "give one of fewer programs, or of a shorter run",
        )
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, json.JSONDecodeError) else "it is not JSON"
        raise _another_kind(data, name) or FileFormatError(
            f"{name} is not a profile: {why}", _NEXT_STEP
        ) from None
    return _Reader(name).profile(whole)


_NEXT_STEP = "give what `memops --export` or `mtetso --profile-out` wrote"


def _another_kind(data: bytes, name: str) -> FileFormatError | None:
    """What a file is that a profile can be had of, and how; None of all others."""
    quoted = shlex.quote(name)
    export = f"mtedbg core {quoted} -x 'memops --export PROFILE' writes the profile"
    kind = elf.file_kind(data[: elf.KIND_SIZE])
    if (kind is not None and kind.type == elf.ET_CORE) or data.startswith(b"MDMP"):
        return FileFormatError(f"{name} is a core file, not a profile", f"{export} that is in it")
    if kind is not None and kind.machine == elf.EM_X86_64:
        return FileFormatError(
            f"{name} is a program, not a profile",
            f"mtetso --profile-out PROFILE {quoted} writes one; as the file of a profile's program "
            "it goes to --guest",
        )
    if how := packed_with(data[:8]):
        return FileFormatError(
            f"{name} is compressed with {how}", f"unpack it; if it is a core file, {export}"
        )
    return None


class _Reader:
    """Takes decoded JSON apart.

    Args:
        name: of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def profile(self, whole: Any) -> Profile:
        """The profile that `whole` is."""
        if isinstance(whole, dict) and "headline" in whole and "rows" in whole:
            self._wrong("it is a report of mtedbg's, as --json prints it")
        if not isinstance(whole, dict) or whole.get("kind") != KIND:
            self._wrong(f'its kind is not "{KIND}"')
        version = whole.get("version")
        if version not in READABLE or isinstance(version, bool):
            self._wrong(f"it is of version {version!r:.20}, not {VERSION}")
        programs = self._get(whole, "programs", list, "the profile")
        return Profile(
            tuple(self._program(one, f"programs[{n}]") for n, one in enumerate(programs))
        )

    def _program(self, program: Any, where: str) -> ProgramProfile:
        name = self._text(program, "name", where)
        path = self._text(program, "path", where) if "path" in program else ""
        identity = ModuleIdentity(
            self._address(program, "digest", where), self._build_id(program, where)
        )
        found: dict[MemopKey, MemopFacts] = {}
        for number, one in enumerate(self._get(program, "memops", list, where)):
            key, facts = self._memop(one, f"{where}.memops[{number}]")
            # As in the runtime: what is there twice counts twice.
            found[key] = joined(found[key], facts) if key in found else facts
        return ProgramProfile.in_order(name, identity, found, path)

    def _text(self, program: Any, key: str, where: str) -> str:
        text: str = self._get(program, key, str, where)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self._wrong(f"{where}.{key} is not text")
        return text

    def _build_id(self, program: Any, where: str) -> str:
        if program.get("build_id", "") == "":
            return ""
        text: str = self._get(program, "build_id", str, where)
        if len(text) > _MOST_BUILD_ID or not _is_hex(text):
            self._wrong(f"{where}.build_id is {text!r:.40}, which is not hexadecimal")
        return text.lower()

    def _memop(self, memop: Any, where: str) -> tuple[MemopKey, MemopFacts]:
        key = MemopKey(self._address(memop, "rip", where), self._count(memop, "ordinal", where))
        return key, MemopFacts(
            self._word(memop, "access", ProfileAccess, where),
            self._count(memop, "size", where),
            self._word(memop, "mode", ProfileMode, where),
            self._count(memop, "flips", where),
            self._count(memop, "faults", where),
            self._get(memop, "pinned", bool, where),
            self._executions(memop, where),
        )

    def _executions(self, memop: Any, where: str) -> int | None:
        value = memop.get("executions")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(f"{where}.executions is not a number")
        if not 0 <= value <= _MOST_EXECUTIONS:
            self._wrong(f"{where}.executions is not a number of 64 bits")
        return value

    def _get(self, mapping: Any, key: str, kind: type, where: str) -> Any:
        if not isinstance(mapping, dict):
            self._wrong(f"{where} is not an object")
        value = mapping.get(key)
        if not isinstance(value, kind):
            self._wrong(f"{where} has no {key}, or one that is not {_TYPES[kind]}")
        return value

    def _count(self, mapping: Any, key: str, where: str) -> int:
        value: int = self._get(mapping, key, int, where)
        if isinstance(value, bool) or not 0 <= value <= _LARGEST:
            self._wrong(f"{where}.{key} is not a number of 32 bits")
        return value

    def _address(self, mapping: Any, key: str, where: str) -> int:
        text: str = self._get(mapping, key, str, where)
        digits = text[2:]
        if not text.startswith("0x") or not 0 < len(digits) <= 16 or not _is_hex(digits):
            self._wrong(f"{where}.{key} is {text!r:.40}, which is not an address")
        return int(digits, 16)

    def _word(self, mapping: Any, key: str, words: type[W], where: str) -> W:
        word: str = self._get(mapping, key, str, where)
        if word not in list(words):
            self._wrong(f"{where}.{key} is {word!r:.40}: none of {', '.join(words)}")
        return words(word)

    def _wrong(self, what: str) -> NoReturn:
        raise FileFormatError(f"{self._name} is not a profile: {what}", _NEXT_STEP)


_TYPES = {list: "a list", str: "text", int: "a number", bool: "true or false"}
_is_hex: Callable[[str], bool] = frozenset("0123456789abcdefABCDEF").issuperset
