"""Checks of the commands about tags, and of stepping through a fault."""

from __future__ import annotations

from collections import Counter

from tests.matrix.plan import WINDOW
from tests.matrix.record import GRANULE, PAGE
from tests.matrix.truth import Scene, addresses, enum, named, number, owner

# prctl(PR_SET_TAGGED_ADDR_CTRL): the word's fields (Linux, include/uapi/linux/prctl.h).
_ENABLED, _SYNC, _MASK_SHIFT, _MASK = 1, 1 << 1, 3, 0xFFFF


def mte_tags(scene: Scene) -> None:
    rows = scene.rows("mte-tags")
    assert {number(row["start"]): row["tag"] for row in rows} == scene.tags_here
    for row in rows:
        assert number(row["end"]) == number(row["start"]) + GRANULE
        assert row["owner"] == owner(row["tag"])


def mte_check(scene: Scene) -> None:
    assert scene.row("mte-check") == {
        "address": f"{scene.address:#x}",
        "logical_tag": scene.logical_tag,
        "allocation_tag": scene.tag,
        "match": scene.logical_tag == scene.tag,
    }


def mte_find(scene: Scene) -> None:
    rows = scene.rows("mte-find")
    found = [(number(row["start"]), number(row["end"])) for row in rows]
    assert found == list(scene.stretches(scene.tag))
    assert {row["tag"] for row in rows} == {scene.tag}


def mte_fault(scene: Scene) -> None:
    row = scene.row("mte-fault")
    assert (row["signal"], row["code"], row["code_name"]) == ("SIGSEGV", 9, "SEGV_MTESERR")
    assert number(row["fault_address_raw"]) == scene.pointer
    assert number(row["address"]) == scene.address
    assert row["logical_tag"] == scene.logical_tag
    assert row["allocation_tags"] == [{"address": f"{scene.granule:#x}", "tag": scene.tag}]
    assert number(row["pc"]) == scene.pc
    assert row["access"] == named("Access", scene.memop["access"]).lower()  # type: ignore[union-attr]
    assert row["size"] == scene.memop["size"]
    assert row["base_register"] == {
        "name": scene.base,
        "value_raw": f"{scene.pointer:#018x}",
        "tag": scene.logical_tag,
    }
    assert row["memop"] == scene.memop["id"]
    assert row["imprecise"] is False
    # The memory is another core's, the memop local: by the protocol's table.
    assert scene.tag not in (scene.mine, 0)
    assert row["transition"] == (
        "local → shared: retag memory to shared, barrier, patch memop to shared"
    )


def mte_regions(scene: Scene) -> None:
    rows = scene.rows("mte-regions")
    spans = [(number(row["start"]), number(row["end"])) for row in rows]
    assert spans == sorted(spans)
    data = addresses(scene.data)
    page = min(data)
    (of_data,) = [row for row in rows if number(row["start"]) <= page < number(row["end"])]
    (of_fault,) = [
        row for row in rows if number(row["start"]) <= scene.address < number(row["end"])
    ]
    assert of_data["perms"] == of_fault["perms"] == "rw-"
    counted = Counter({int(tag): count for tag, count in of_data["histogram"].items()})
    assert sum(counted.values()) * GRANULE == number(of_data["end"]) - number(of_data["start"])
    assert Counter(data.values()) <= counted
    if scene.place != "user":  # where there is time for all of it
        assert of_fault["histogram"][str(scene.tag)] >= 1
        assert sum(of_fault["histogram"].values()) * GRANULE % PAGE == 0


def mte_ctl(scene: Scene) -> None:
    row = scene.row("mte-ctl")
    assert row["tcf"] == "sync"
    if scene.place == "user":  # QEMU's stub has no more than the check mode
        assert scene.control == 1
        assert row["tagged_addr"] is row["include_mask"] is row["store_only"] is None
        return
    assert scene.control & (_ENABLED | _SYNC) == _ENABLED | _SYNC
    assert row["tagged_addr"] is True
    assert number(row["include_mask"]) == scene.control >> _MASK_SHIFT & _MASK


def mte_set(scene: Scene) -> None:
    if scene.dead:
        _is_refused(scene, "mte-set", "a core file cannot be written to")
        return
    assert scene.row("mte-set") == {
        "start": f"{scene.granule:#x}",
        "end": f"{scene.granule + GRANULE:#x}",
        "tag": scene.mine,
        "tags": [scene.mine],
    }
    after = addresses(scene.after_set)
    assert len(after) == WINDOW // GRANULE
    assert after == scene.tags_here | {scene.granule: scene.mine}


def mte_catch(scene: Scene) -> None:
    if scene.dead:
        _is_refused(scene, "mte-catch", "a core file cannot be resumed")
        return
    row = scene.row("mte-catch")
    assert (row["phase"], row["enabled"]) == ("retag", True)
    assert {number(row["address"])} == scene.phases("Retag") == {scene.caught_at}


def mte_step(scene: Scene) -> None:
    if scene.dead:
        _is_refused(scene, "mte-step", "a core file cannot be resumed")
        return
    row = scene.row("mte-step")
    assert (row["place"], row["phase"]) == ("phase", "fault")
    assert {scene.stepped_to} == scene.phases("Fault")
    assert row["memop"] == scene.memop["id"]
    assert row["guest_thread"] == scene.frame["thread_id"]
    assert row["function"] == scene.function
    assert row["direction"] == "local-shared"
    assert number(row["pointer_raw"]) == scene.pointer
    assert [each["tag"] for each in row["granules"]] == [scene.tag]
    assert [number(each["word"]) for each in row["instructions"]] == [
        scene.word(scene.memop["tag_address"]),
        scene.word(scene.memop["address"]),
    ]
    assert scene.memop["mode"] == enum("Mode", row["mode"])
    assert (row["core"], number(row["resumes"])) == (scene.mine, scene.pc)


def _is_refused(scene: Scene, command: str, why: str) -> None:
    error = scene.report(command)["error"].splitlines()
    assert error[0] == why
    assert len(error) == 2
