"""The answer of mte-fault."""

from __future__ import annotations

import pytest

from mtedbg.analysis.postmortem.cause import cause
from mtedbg.dataclass import replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import SignalInfo
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import answers
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.scenes import CODE, HEAP, PAGE, THREES, session_at, tagged, target_at

SYNC, ASYNC, MAPERR = 9, 8, 1
SET = f"the last 9 bytes of a memory set at {HEAP:#x}"
COPY = "cpyfp [x16]!, [x3]!, x1!"
TEXTS = [
    "str x1, [x16]",
    "str x1, [x16, #8]",
    "ldp q0, q1, [x16]",
    "ldr w1, [x16, w2, sxtw #2]",
    "ldr x1, [x16, #16]!",
    "ldr x1, [x16], #16",
    "ldaddal w0, w1, [x16]",
    "dc zva, x16",
    "strb w1, [x16]",
    "nop",
    "st1b {z0.b}, p0, [x16]",
    "setp [x16]!, x1!, x2",
    "setm [x16]!, x1!, x2",
    COPY,
    "ld1d {z0.d}, p0/z, [x16, z1.d]",
    ".inst 0x0c00c000",
    "prfm pldl1keep, [x16]",
    "stg x16, [x16]",
    "stgp x1, x2, [x16]",
    "ldr x1, [x3]",
    "ldr x1, [x4]",
]


@pytest.fixture(scope="module")
def words() -> dict[str, int]:
    return dict(zip(TEXTS, assemble(TEXTS), strict=True))


def ask(session: Session) -> Report:
    return answers.ask(session, "mte-fault")


def synchronous(word: int, registers: dict[str, int], raw: int) -> Report:
    return ask(session_at(word, registers, SignalInfo(11, SYNC, raw)))


def said(report: Report) -> tuple[str, ...]:
    """The notes about the fault itself, without what may have caused it."""
    return tuple(one for one in report.notes if not one.startswith(("perhaps ", "probably ")))


def test_store_inside_one_granule(words):
    pointer = tagged(HEAP + 0x18, 3)
    report = synchronous(words["str x1, [x16]"], {"x16": pointer}, pointer)
    (row,) = report.rows
    assert row == {
        "signal": "SIGSEGV",
        "code": 9,
        "code_name": "SEGV_MTESERR",
        "fault_address_raw": pointer,
        "address": HEAP + 0x18,
        "logical_tag": 3,
        "allocation_tags": ({"address": HEAP + 0x10, "tag": 11},),
        "failed_granule": HEAP + 0x10,
        "access_address": HEAP + 0x18,
        "pc": CODE + 64,
        "instruction": "str x1, [x16]",
        "access": "store",
        "size": 8,
        "base_register": {"name": "x16", "value_raw": pointer, "tag": 3},
        "memop": NOT_APPLICABLE,
        "transition": NOT_APPLICABLE,
        "found": NOT_APPLICABLE,
        "later": NOT_APPLICABLE,
        "imprecise": False,
        "candidates": NOT_APPLICABLE,
    }
    assert report.headline == (
        f"tag check fault (synchronous): store of 8 bytes at {HEAP + 0x18:#x},"
        " pointer tag 3, memory tag 11"
    )
    assert not report.partial
    assert said(report) == ()


@pytest.mark.parametrize(
    ("text", "registers", "granules"),
    [
        ("str x1, [x16]", {"x16": THREES - 4}, [-16, 0]),
        ("str x1, [x16, #8]", {"x16": THREES - 12}, [-16, 0]),
        ("ldp q0, q1, [x16]", {"x16": THREES - 8}, [-16, 0, 16]),
        ("ldp q0, q1, [x16]", {"x16": THREES - 16}, [-16, 0]),
        ("ldr w1, [x16, w2, sxtw #2]", {"x16": THREES + 6, "x2": 0xFFFF_FFFE}, [-16, 0]),
        ("ldr x1, [x16, #16]!", {"x16": THREES - 20}, [-16, 0]),
        ("ldr x1, [x16], #16", {"x16": THREES - 4}, [-16, 0]),
        ("strb w1, [x16]", {"x16": THREES - 1}, [-16]),
    ],
)
def test_every_granule_touched_is_named(words, text, registers, granules):
    registers["x16"] = tagged(registers["x16"], 3)
    report = synchronous(words[text], registers, tagged(THREES - 1, 3))
    found = report.rows[0]["allocation_tags"]
    assert found == tuple(
        {"address": THREES + offset, "tag": 11 if offset < 0 else 3} for offset in granules
    )
    assert "memory tag 11" in report.headline
    assert said(report) == ()


def test_the_tag_that_differs_is_named_wherever_si_addr_points(words):
    """The kernel may report the access's first byte although its second granule is the one."""
    pointer = tagged(THREES - 4, 11)
    report = synchronous(words["str x1, [x16]"], {"x16": pointer}, pointer)
    assert report.headline.endswith(
        f"at {THREES - 4:#x}, pointer tag 11, memory tag 3 in granule {THREES:#x}"
    )


def test_undefined_top_bits_and_a_hidden_tag(words):
    """Bits 63:60 are anything; without SA_EXPOSE_TAGBITS a server may show no tag at all."""
    pointer = tagged(HEAP, 3)
    for raw in (pointer | 0xA << 60, HEAP):
        report = synchronous(words["strb w1, [x16]"], {"x16": pointer}, raw)
        assert report.rows[0]["logical_tag"] == 3
        assert report.rows[0]["address"] == HEAP
        assert report.rows[0]["fault_address_raw"] == raw
        top = "bits 63:60 of si_addr (0xa) are undefined, unless the kernel has HWCAP3_MTE_FAR"
        assert said(report) == ((f"{top}, which is not known here",) if raw >> 60 else ())


@pytest.mark.parametrize(
    ("has_mte_far", "said"),
    [
        (True, "the pointer's: the kernel has HWCAP3_MTE_FAR"),
        (False, "undefined: the kernel has no HWCAP3_MTE_FAR"),
    ],
)
def test_top_bits_where_the_kernel_says_whether_they_are_defined(words, has_mte_far, said):
    pointer = tagged(HEAP, 3)
    raw = pointer | 0xA << 60
    for code, address, expected in (
        (SYNC, raw, (f"bits 63:60 of si_addr (0xa) are {said}",)),
        (SYNC, pointer, ()),
        (MAPERR, raw, ()),
    ):
        session = session_at(
            words["strb w1, [x16]"], {"x16": pointer}, SignalInfo(11, code, address)
        )
        assert isinstance(session.target, FakeTarget)
        session.target.has_mte_far = has_mte_far
        notes = ask(session).notes
        assert tuple(note for note in notes if "63:60" in note) == expected


def test_si_addr_with_another_tag_than_the_access(words):
    report = synchronous(words["str x1, [x16]"], {"x16": tagged(HEAP, 3)}, tagged(HEAP, 4))
    assert said(report) == ("si_addr carries tag 4, the address of the access 3",)


def test_the_pc_is_elsewhere(words):
    report = synchronous(words["nop"], {}, tagged(HEAP, 3))
    assert report.rows[0]["logical_tag"] == 3
    assert report.rows[0]["allocation_tags"] == ({"address": HEAP, "tag": 11},)
    assert report.headline.startswith("tag check fault (synchronous): access at")
    assert "does not access this address" in report.notes[0]


def test_tagged_anew_since(words):
    pointer = tagged(HEAP, 11)
    report = synchronous(words["str x1, [x16]"], {"x16": pointer}, pointer)
    assert said(report) == ("the tags match now: the memory was retagged after the fault",)


def test_a_size_that_is_not_known(words):
    pointer = tagged(HEAP, 3)
    report = synchronous(words["st1b {z0.b}, p0, [x16]"], {"x16": pointer}, pointer)
    size = report.rows[0]["size"]
    assert isinstance(size, Absent)
    assert report.partial
    assert report.headline.startswith("tag check fault (synchronous): store at")


@pytest.mark.parametrize(
    ("text", "registers", "what"),
    [
        ("dc zva, x16", {"x16": HEAP + 0x2C}, f"store of 64 bytes at {HEAP:#x}"),
        ("st1b {z0.b}, p0, [x16]", {"x16": HEAP - 4, "vg": 2}, f"up to 16 bytes at {HEAP - 4:#x}"),
        ("setp [x16]!, x1!, x2", {"x16": HEAP, "x1": 300}, "the last 300 bytes of a memory set at"),
        ("setm [x16]!, x1!, x2", {"x16": HEAP + 9, "x1": -9}, SET),
        (COPY, {"x16": HEAP + 512, "x3": HEAP, "x1": 16}, "load of the last 16"),
        (COPY, {"x16": HEAP, "x3": HEAP + 512, "x1": 16}, "store of the last 16"),
        ("ld1d {z0.d}, p0/z, [x16, z1.d]", {"x16": HEAP}, f"load at {HEAP:#x}"),
    ],
)  # fmt: skip
def test_what_is_said_of_accesses_of_many_bytes(words, text, registers, what):
    named = {
        name: value & (1 << 64) - 1 if name in ("x1", "vg") else tagged(value, 3)
        for name, value in registers.items()
    }
    report = synchronous(words[text], named, tagged(HEAP, 3))
    assert what in report.headline
    assert "pointer tag 3, memory tag 11" in report.headline
    assert not any("does not access" in note for note in report.notes)


def test_a_load_of_a_form_that_is_not_known(words):
    report = synchronous(words[".inst 0x0c00c000"], {}, tagged(HEAP, 3))
    assert report.headline.startswith("tag check fault (synchronous): access at")
    assert said(report) == (
        "the instruction at the PC is a load or store of a form that is not known here;"
        " the tag is from si_addr",
    )


@pytest.mark.parametrize("text", ["prfm pldl1keep, [x16]", "stg x16, [x16]", "stgp x1, x2, [x16]"])
def test_what_checks_no_tag_is_not_blamed(words, text):
    report = synchronous(words[text], {"x16": tagged(HEAP, 3)}, tagged(HEAP, 3))
    assert report.headline.startswith("tag check fault (synchronous): access at")
    assert "accesses this address unchecked" in report.notes[0]


def test_asynchronous(words):
    report = ask(
        session_at(
            words["str x1, [x16]"],
            {"x16": tagged(HEAP, 3), "x3": tagged(HEAP, 4), "x4": tagged(HEAP, 5), "x5": HEAP}
            | {"x6": tagged(HEAP, 11), "x7": tagged(HEAP + PAGE, 1), "x8": 77}
            | {"x30": CODE + 4},
            SignalInfo(11, ASYNC, 0),
            before=[words["ldr x1, [x16], #16"], *[words["nop"]] * 13]
            + [words["ldr x1, [x4]"], words["ldr x1, [x3]"]],
        )
    )
    (row,) = report.rows
    assert row["imprecise"] is True
    assert row["fault_address_raw"] == 0
    for key in ("address", "logical_tag", "allocation_tags", "access", "size", "base_register"):
        value = row[key]
        assert isinstance(value, Absent)
        assert not value.is_hole
    suspects = row["candidates"]
    assert isinstance(suspects, tuple)
    assert [(one["register"], one["base_before"], one["distance"]) for one in suspects] == [
        ("x3", "pc", 1),
        ("x4", "pc", 2),
        ("x16", "pc", 16),
        ("x5", NOT_APPLICABLE, NOT_APPLICABLE),
    ]
    assert report.headline == (
        "tag check fault (asynchronous): some access before the PC;"
        " 4 registers mismatch their memory"
    )
    assert not report.partial


def test_asynchronous_in_a_function_that_was_called(words):
    """What was a base before the return address counts less than before the PC, but counts."""
    registers = {"x3": tagged(HEAP, 3), "x4": tagged(HEAP, 4), "x16": tagged(HEAP, 5)}
    report = ask(
        session_at(
            words["nop"],
            registers | {"pc": CODE, "x30": CODE + 8, "x5": HEAP},
            SignalInfo(11, ASYNC, 0),
            before=[words["ldr x1, [x4]"], words["ldr x1, [x16], #16"], *[words["nop"]] * 14],
        )
    )
    suspects = report.rows[0]["candidates"]
    assert isinstance(suspects, tuple)
    assert [(one["register"], one["base_before"], one["distance"]) for one in suspects] == [
        ("x16", "x30", 1),
        ("x4", "x30", 2),
        ("x3", NOT_APPLICABLE, NOT_APPLICABLE),
        ("x5", NOT_APPLICABLE, NOT_APPLICABLE),
    ]


def test_asynchronous_with_the_pointer_on_the_stack(words):
    """What a function has saved is suspected after registers; what is there twice, once."""
    stack = 0xFFFF_FFF0_0000
    slots = [tagged(HEAP, 4), HEAP, tagged(HEAP, 11), tagged(HEAP + 0x20, 6), tagged(HEAP, 4), 7]
    target = target_at(words["nop"], {"sp": stack, "x5": HEAP}, SignalInfo(11, ASYNC, 0))
    target.memory[stack] = b"".join(one.to_bytes(8, "little") for one in slots)
    report = ask(Session(target))
    suspects = report.rows[0]["candidates"]
    assert isinstance(suspects, tuple)
    assert [(one["register"], one["value_raw"]) for one in suspects] == [
        ("[sp+0x0]", tagged(HEAP, 4)),
        ("[sp+0x18]", tagged(HEAP + 0x20, 6)),
        ("x5", HEAP),
    ]
    assert report.headline.endswith("1 register and 2 stack slots mismatch their memory")


def test_another_signal(words):
    report = ask(session_at(words["str x1, [x16]"], {"x16": 8}, SignalInfo(11, MAPERR, 8)))
    assert report.headline == "not a tag check fault: SIGSEGV SEGV_MAPERR at 0x8"
    assert report.rows[0]["access"] == "store"
    assert report.rows[0]["logical_tag"] is NOT_APPLICABLE
    assert not report.partial


def test_a_sent_signal_has_no_address(words):
    report = ask(session_at(words["nop"], {}, SignalInfo(6, -6, 0x1234)))
    assert report.headline == "SIGABRT SI_TKILL, sent"
    assert report.rows[0]["address"] is NOT_APPLICABLE


def test_no_signal(words):
    report = ask(session_at(words["nop"]))
    assert report.headline == "no fault: this thread has not stopped on a signal"
    assert not report.partial


@pytest.mark.parametrize("code", [SYNC, ASYNC, MAPERR])
def test_nothing_but_the_signal(code):
    """No registers, no memory: what is there is shown, and the rest has its reason."""
    target = replace(target_at(), register_sets={}, memory={}, tags={})
    target.signals[1] = SignalInfo(11, code, tagged(HEAP, 3))
    report = ask(Session(target))
    assert report.partial
    assert report.rows[0]["signal"] == "SIGSEGV"
    assert report.rows[0]["pc"] == Absent(Reason.UNREADABLE)


def test_a_fault_address_that_was_not_recorded(words):
    hole = Absent(Reason.NOT_RECORDED)
    report = ask(session_at(words["nop"], {}, SignalInfo(11, SYNC, hole)))
    assert report.headline == "tag check fault (synchronous): its address is not known"
    assert report.partial


def test_what_may_have_caused_it_in_the_words_of_the_post_mortem(words: dict[str, int]) -> None:
    pointer = tagged(THREES - 16, 3)
    session = session_at(words["str x1, [x16]"], {"x16": pointer}, SignalInfo(11, SYNC, pointer))
    hypotheses = cause(session).hypotheses
    assert len(hypotheses) > 1
    guesses = [note for note in ask(session).notes if note.startswith(("perhaps ", "probably "))]
    assert [one.split(" ", 1)[1] for one in guesses] == [
        f"{one.what}: {'; '.join(one.reasons)}" for one in hypotheses
    ]
