"""Call frame information of x86-64 programs: what linkers write for a PLT."""

import pytest

from mtedbg.decode.stack.cfi import AMD64_RETURN, X86_64, unwind
from mtedbg.formats.dwarf.frame_rules import FrameAddress, FrameRules, Kind, Rule
from mtedbg.model.absent import Absent
from tests.support.fake import FakeTarget

STACK, CALLER = 0x7FFF_0000, 0x40_1234
# breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus: from the 11th byte of an entry on, its
# index has been pushed.
OF_PLT = bytes.fromhex("77088000 3f1a 3b2a 3324 22")


@pytest.mark.parametrize(("rip", "pushed"), [(0x401030, 0), (0x401036, 0), (0x40103B, 1)])
def test_an_entry_of_a_plt(rip: int, pushed: int) -> None:
    words = [7] * pushed + [CALLER]
    memory = b"".join(word.to_bytes(8, "little") for word in words)
    target = FakeTarget(memory={STACK: memory})
    rules = FrameRules(
        FrameAddress(0, 0, OF_PLT), {AMD64_RETURN: Rule(Kind.OFFSET, -8)}, False, AMD64_RETURN
    )
    found = unwind(target, rules, {"rsp": STACK, "rip": rip}, X86_64)
    assert not isinstance(found, Absent)
    assert (found.cfa, found.return_address) == (STACK + 8 * (pushed + 1), CALLER)
