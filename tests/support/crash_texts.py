"""Texts about crashes, made for these tests from their writers' formats, each with what it says.

Two or more of each writer: `texts/NAME.txt`. What is expected stands here: keys of `explain`'s
rows, and `frame` (the innermost), `frames` (how many), `stacks` (of all causes), `hidden` (register
and offset by which the tag is known), `boxed` (whether a boxed pointer is named).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "texts"
SYNC = {"tag_check": "synchronous", "verdict": "tag check fault"}
ASYNC = {"tag_check": "asynchronous", "verdict": "tag check fault"}
OTHER, UNKNOWN = {"verdict": "not a tag check fault"}, {"verdict": "cannot tell"}


@dataclass(frozen=True)
class Case:
    """A text with one crash."""

    name: str
    expected: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return (FOLDER / f"{self.name}.txt").read_text("utf-8")


def case(name: str, kind: dict[str, Any], **more: Any) -> Case:
    return Case(name, kind | more)


CASES = (
    case(
        "android-sync",
        SYNC,
        access="load",
        address="0x7b11223350",
        logical_tag=3,
        allocation_tag=8,
        pid=3301,
        tid=3307,
        thread="pool-3",
        process="/system/bin/boxd",
        check_mode="sync",
        frame="Box::take(int)+0x20",
        stacks=("freed by thread 3305", "allocated by thread 3301"),
    ),
    case(
        "android-logcat-async",
        ASYNC,
        address=None,
        logical_tag=None,
        pid=801,
        tid=812,
        process="com.acme.mail",
        frame="read+0x4",
    ),
    case("android-guest", OTHER, address="0x18", frame="Run+0x20"),
    case(
        "bionic-line",
        SYNC,
        address="0x7d00112230",
        logical_tag=14,
        pid=4100,
        tid=4177,
        thread="Thread (two)",
    ),
    case("bionic-abort", UNKNOWN, signal="SIGABRT", pid=22, tid=22),
    case(
        "art-long", SYNC, address="0x7c00aabbc0", logical_tag=6, tid=88, frame="art::Compile+0x10"
    ),
    case(
        "graphene-sync",
        SYNC,
        address="0xd11122233340",
        logical_tag=12,
        check_mode="enabled",
        process="net.acme.chat",
        thread="DefaultDispatch",
        frame="chat::Room::send(char const*)+0x60",
        frames=2,
    ),
    case("graphene-async", ASYNC, address=None, thread="binder:700_1", frame="__ioctl+0x4"),
    case(
        "graphene-double-free",
        OTHER,
        cause="hardened_malloc: double free (quarantine)",
        thread="cam",
    ),
    case("sigchain", SYNC, logical_tag=11, pid=310, tid=333, source="Android"),
    case("sigchain-alone", UNKNOWN, pid=311, tid=334, source="libsigchain"),
    case(
        "gwp-asan-llvm",
        OTHER,
        address="0x7feccab26000",
        frame="test+0x45b31",
        frames=2,
        stacks=("freed by thread 31027", "allocated by thread 31026"),
    ),
    case(
        "gwp-asan-tombstone",
        OTHER,
        access="store",
        address="0x7300aabb10",
        cause="[GWP-ASan]: Buffer Overflow, 0 bytes right of a 16-byte allocation at 0x7300aabb00",
    ),
    case(
        "hwasan-write",
        SYNC,
        access="store",
        size=8,
        logical_tag=155,
        allocation_tag=4,
        pid=811,
        thread="T3",
        frame="Ring::push(int)",
        stacks=("freed by thread T1", "allocated by thread T0"),
        cause="use-after-free: 32 bytes inside a 64-byte region [0x0042c0001080,0x0042c00010c0)",
    ),
    case("hwasan-invalid-free", OTHER, frame="prog+0x10"),
    case("gwp-asan-llvm-overflow", OTHER, address="0x7feccab26010", frame="_Z4pushi+0x1c"),
    case("scudo-size", OTHER, source="Scudo"),
    case(
        "scudo-stderr",
        OTHER,
        source="Scudo",
        cause="Scudo: corrupted chunk header at address 0x20000f7a1b2c340: most likely due to"
        " memory corruption",
    ),
    case(
        "scudo-logcat",
        OTHER,
        pid=55,
        tid=56,
        signal="SIGABRT",
        cause="Scudo: misaligned pointer when deallocating address 0x7b0000000001",
    ),
    case(
        "hardened-malloc-stderr",
        OTHER,
        source="hardened_malloc",
        cause="hardened_malloc: canary corrupted",
    ),
    case("hardened-malloc-logcat", OTHER, pid=77, cause="hardened_malloc: invalid free"),
    case("tag-truncated", OTHER, pid=88),
    case(
        "kasan-hw-read",
        SYNC,
        address="0xffff000004a5b610",
        logical_tag=9,
        allocation_tag=242,
        access="load",
        tid=17,
        process="kworker/0:1",
        source="KASAN",
        frame="acme_poll+0x1c",
    ),
    case(
        "kasan-sw-write",
        SYNC,
        access="store",
        size=4,
        logical_tag=179,
        allocation_tag=254,
        tid=201,
        frame="acme_store+0x44",
    ),
    case("kasan-async", ASYNC, address=None, source="KASAN"),
    case(
        "oops-store",
        SYNC,
        access="store",
        address="0xffff000005550010",
        logical_tag=2,
        process="init",
        frame="acme_write+0x10",
    ),
    case(
        "oops-null",
        OTHER,
        address="0x8",
        exception="data abort in the kernel: translation fault, level 0",
    ),
    case(
        "dmesg-user",
        SYNC,
        access="store",
        tid=1733,
        thread="mtecase",
        frame="mtecase+0xa2c",
        exception="data abort: synchronous tag check fault",
    ),
    case("dmesg-user-old", UNKNOWN, signal="SIGSEGV", address="0xffff8a000010"),
    case("strace-handled-then-killed", UNKNOWN, signal="SIGABRT", tid=900),
    case("strace-async", ASYNC, address=None, tid=1000),
    case(
        "gdb-thread",
        SYNC,
        logical_tag=7,
        allocation_tag=2,
        address="0xfffff7ff0040",
        thread="worker",
        tid=733,
        frame="Ring::push",
        frames=3,
    ),
    case("gdb-core", UNKNOWN, signal="SIGSEGV", frame="push"),
    case("gdb-gcs", OTHER, code_name="SEGV_CPERR", frame="ret_twice"),
    case(
        "lldb-sync",
        SYNC,
        logical_tag=10,
        allocation_tag=0,
        address="0xffffb7ff0010",
        thread="worker",
        frame="push",
        frames=2,
    ),
    case("lldb-unmapped", OTHER, code_name="SEGV_MAPERR", address="0x10", frame="main+0xc"),
    case("lldb-apple", SYNC, logical_tag=12, address="0xa11ff2040", thread="render", frame="draw"),
    case("lldb-apple-other", OTHER, address="0x0", frame="main"),
    case(
        "hs-err-sync",
        SYNC,
        address="0xffff60001230",
        logical_tag=12,
        pid=401,
        tid=417,
        frame="G1ParScanThreadState::steal+0x44",
        frames=2,
        hidden=("x1", 48),
    ),
    case("hs-err-other", OTHER, address="0x10", source="Java VM"),
    case(
        "go-cgo",
        SYNC,
        address="0xffff8a220340",
        logical_tag=3,
        frame="runtime.cgocall+0x44",
        hidden=("x0", 64),
    ),
    case("go-nil", OTHER, address="0x0", frame="main.main+0x10"),
    case(
        "chromium-unknown",
        UNKNOWN,
        address="0xffff8a220340",
        frame="base::debug::CollectStackTrace()",
    ),
    case("chromium-maperr", OTHER, address="0x1b0", frame="headless_shell+0x4265412"),
    case("v8-check", OTHER, source="V8", message="Check failed: page->is_swept()."),
    case("box64-new", SYNC, address="0x7f33445560", logical_tag=13, tid=731),
    case("box64-null", OTHER, address="0x0", tid=44, frame="memcpy"),
    case("fex-sigbus", OTHER, signal="SIGBUS", source="FEX", frame="0x120e53c00"),
    case("fex-sigbus-plain", OTHER, signal="SIGBUS", source="FEX"),
    case("qemu-uncaught", UNKNOWN, signal="SIGABRT", source="QEMU"),
    case("qemu-internal", OTHER, address="0x20", code_name="SEGV_MAPERR"),
    case(
        "crashlytics",
        UNKNOWN,
        address="0x7a11223344",
        thread="RenderThread",
        frame="go::Mesh::draw()",
        frames=2,
    ),
    case("crashlytics-code", SYNC, logical_tag=11, thread="pool-1"),
    case("sentry-minidump", SYNC, address="0x7a11223340", logical_tag=None),
    case("sentry-java", SYNC, pid=7721, process="com.acme.go"),
    case("sentry-json", ASYNC),
    case(
        "stackwalk-rust",
        SYNC,
        address="0xffff8a220340",
        logical_tag=15,
        tid=5001,
        frame="push",
        frames=2,
        hidden=("x0", 64),
    ),
    case("stackwalk-breakpad", ASYNC, address=None, frame="libc.so+0xa2d14"),
    case("coredumpctl-journal", UNKNOWN, pid=2391, process="ring", frame="push"),
    case("coredumpctl-info", UNKNOWN, signal="SIGABRT", pid=177, process="boxd"),
    case(
        "apple-sync",
        SYNC,
        access="store",
        size=1,
        address="0xa11ff2040",
        logical_tag=12,
        pid=812,
        process="Painter",
        frame="Canvas.draw()+0x18",
        frames=2,
    ),
    case("apple-guard", SYNC, address="0xa11ff2040", logical_tag=3, pid=813),
    case("apple-guard-async", ASYNC, address=None, pid=814),
    case("apple-other", OTHER, address="0x8", pid=815),
    case("own-handler", OTHER, signal="SIGBUS", access="store", address="0x7b00000013"),
    case("own-handler-segv", UNKNOWN, access="load", address="0x7b00000010"),
    case("rust-panic", OTHER, source="Rust", boxed=True),
    case("rust-panic-plain", OTHER, message="index out of bounds", boxed=False),
    case("words-code", SYNC, logical_tag=11),
    case("words-cause", SYNC),
    case("words-async", ASYNC),
    case("words-kernel", OTHER, address=None),
    case("words-pku", OTHER),
    case("words-sent", UNKNOWN),
)
