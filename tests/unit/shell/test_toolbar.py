"""The line below the prompt, from the JSON that the extension gives."""

from __future__ import annotations

from typing import Any

from prompt_toolkit.formatted_text import to_plain_text

from mtedbg.shell.toolbar import WARNING, toolbar

CONTEXT: dict[str, Any] = {
    "target": {"kind": "remote", "tag_source": "qMemTags"},
    "thread": {"number": 2, "tid": 90, "name": "mtetso"},
    "pc": "0x7fa0001048",
    "symbol": None,
    "frame": {
        "host_core_id": 2,
        "r_host_core_id": 2,
        "rseq_core_id": None,
        "consistent": True,
    },
    "block": {
        "outcome": "range",
        "block": {"id": 3, "start": "0x7fa0001000", "end": "0x7fa0002000"},
        "function": "producer",
    },
    "memop": {"id": 52, "mode": "Local", "mode_decoded": "Local"},
}
NO_RUNTIME = dict.fromkeys(("frame", "block", "memop"))


def text(context: dict[str, Any]) -> str:
    return to_plain_text(toolbar(context))


def test_everything() -> None:
    assert [part.strip() for part in text(CONTEXT).split("│")] == [
        "thread 2 mtetso",
        "block 3+0x48 producer",
        "core: frame 2, register 2, kernel -",
        "memop 52 local",
        "remote, tags: qMemTags",
    ]


def test_a_program_without_a_runtime() -> None:
    context = CONTEXT | NO_RUNTIME
    assert "│  0x7fa0001048  │" in text(context)
    assert "│  main+0x8  │" in text(context | {"symbol": "main+0x8"})
    assert "core" not in text(context)
    assert "PC not known" in text(context | {"pc": None})


def test_core_ids_that_differ_stand_out() -> None:
    frame = CONTEXT["frame"] | {"r_host_core_id": 1, "consistent": False}
    (warning,) = [part for part in toolbar(CONTEXT | {"frame": frame}) if part[0] == WARNING]
    assert warning[1] == "core: frame 2, register 1, kernel - (differ)"


def test_a_memop_whose_bytes_say_otherwise() -> None:
    memop = {"id": 52, "mode": "Local", "mode_decoded": "Mixed"}
    assert "memop 52 local (bytes: mixed)" in text(CONTEXT | {"memop": memop})


def test_a_retired_block() -> None:
    assert "retired block 3+0x48" in text(
        CONTEXT | {"block": CONTEXT["block"] | {"outcome": "retired"}}
    )


def test_a_core() -> None:
    assert text(CONTEXT | {"target": {"kind": "core", "tag_source": "core"}}).endswith("│  core")


def test_an_error_is_its_first_line() -> None:
    assert text({"error": "the program is running\nstop it first: interrupt"}) == (
        " the program is running"
    )


def test_names_of_the_target_are_escaped() -> None:
    thread = {"number": 1, "name": "\x1b[31m"}
    assert "\x1b" not in text(CONTEXT | {"thread": thread})


def test_nothing_known_is_no_exception() -> None:
    assert "thread ?" in text({})
