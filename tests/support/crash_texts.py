"""Texts about crashes, made for these tests from their writers' formats, each with what it says.

Two or more of each writer. What is expected stands next to the text: keys of `explain`'s rows, and
`verdict`, `frame` (the innermost), `tag` and `memory` (of pointer and memory), `causes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SYNC = {"tag_check": "synchronous", "verdict": "tag check fault"}
ASYNC = {"tag_check": "asynchronous", "verdict": "tag check fault"}
OTHER, UNKNOWN = {"verdict": "not a tag check fault"}, {"verdict": "cannot tell"}


@dataclass(frozen=True)
class Case:
    """A text with one crash."""

    name: str
    text: str
    expected: dict[str, Any] = field(default_factory=dict)


def case(name: str, text: str, *kinds: dict[str, Any], **more: Any) -> Case:
    expected: dict[str, Any] = {}
    for kind in kinds:
        expected |= kind
    return Case(name, text, expected | more)


CASES = (
    case(
        "android-sync", """\
*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'acme/box/box:15/AAAA.250101.001/1:userdebug/test-keys'
Revision: 'B'
ABI: 'arm64'
Timestamp: 2025-04-02 11:22:33.444555666+0200
Process uptime: 3s
Cmdline: /system/bin/boxd --now
pid: 3301, ppid: 1, tid: 3307, name: pool-3  >>> /system/bin/boxd <<<
uid: 1000
tagged_addr_ctrl: 000000000007fff3 (PR_TAGGED_ADDR_ENABLE, PR_MTE_TCF_SYNC, mask 0xfffe)
signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0300007b11223350 (read)
Cause: [MTE]: Use After Free, 16 bytes into a 48-byte allocation at 0x7b11223340
    x0  0300007b11223340  x1  0000000000000010  x2  0000000000000000  x3  0000000000000000
    lr  0000007b99990010  sp  0000007b88880000  pc  0000007b99990020  pst 0000000060001000

2 total frames
backtrace:
      #00 pc 0000000000001020  /system/bin/boxd (Box::take(int)+32) (BuildId: aa01)
      #01 pc 0000000000001100  /system/bin/boxd (main+64) (BuildId: aa01)

deallocated by thread 3305:
      #00 pc 0000000000050000  /apex/com.android.runtime/lib64/bionic/libc.so (scudo_free+40)
      #01 pc 0000000000001200  /system/bin/boxd (Box::drop()+12) (BuildId: aa01)

allocated by thread 3301:
      #00 pc 0000000000050100  /apex/com.android.runtime/lib64/bionic/libc.so (scudo_malloc+44)

Memory tags around the fault address (0x300007b11223350), one tag per 16 bytes:
      0x7b11223200: 3  3  0  1  1  1  0  2  2  2  2  0  5  5  5  0
    =>0x7b11223300: 0  6  6  0  8 [8] 8  0  3  3  3  0  0  0  0  0
""", SYNC, access="load", address="0x7b11223350", logical_tag=3, allocation_tag=8, pid=3301,
        tid=3307, thread="pool-3", process="/system/bin/boxd", check_mode="sync",
        frame="Box::take(int)+0x20", stacks=("freed by thread 3305", "allocated by thread 3301"),
    ),
    case(
        "android-logcat-async", """\
05-06 07:08:09.010  801  812 F libc    : Fatal signal 11 (SIGSEGV), code 8 (SEGV_MTEAERR), fault addr -------- in tid 812 (io), pid 801 (acme.mail)
05-06 07:08:09.100  900  900 F DEBUG   : *** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
05-06 07:08:09.100  900  900 F DEBUG   : pid: 801, tid: 812, name: io  >>> com.acme.mail <<<
05-06 07:08:09.100  900  900 F DEBUG   : signal 11 (SIGSEGV), code 8 (SEGV_MTEAERR), fault addr --------
05-06 07:08:09.100  900  900 F DEBUG   : backtrace:
05-06 07:08:09.100  900  900 F DEBUG   :       #00 pc 00000000000a0000  /apex/com.android.runtime/lib64/bionic/libc.so (read+4)
""", ASYNC, address=None, logical_tag=None, pid=801, tid=812, process="com.acme.mail",
        frame="read+0x4",
    ),
    case(
        "android-guest", """\
ABI: 'arm64'
Guest architecture: 'x86_64'
Timestamp: 2025-04-02 11:22:33.444555666+0200
pid: 70, tid: 71, name: guest  >>> acme.x86 <<<
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000018
    lr  0000007b99990010  sp  0000007b88880000  pc  0000007b99990020  pst 0000000060001000
backtrace:
      #00 pc 0000000000001020  /system/lib64/libberberis.so (Run+32)
--- --- --- --- --- --- --- --- --- --- --- --- --- --- --- ---
Guest thread information for tid: 71
    rax 0000000000000000  rbx 0000000000000001
backtrace:
      #00 pc 0000000000000777  /data/app/acme/libx.so (guest_main+7)
""", OTHER, address="0x18", frame="Run+0x20",
    ),
    case(
        "bionic-line",
        "F/libc    ( 4100): Fatal signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr"
        " 0x0e00007d00112230 in tid 4177 (Thread (two)), pid 4100 (e.acme)",
        SYNC, address="0x7d00112230", logical_tag=14, pid=4100, tid=4177, thread="Thread (two)",
    ),
    case(
        "bionic-abort", """\
--------- beginning of crash
A/libc: Fatal signal 6 (SIGABRT), code -1 (SI_QUEUE) in tid 22 (main), pid 22 (acme)
""", UNKNOWN, signal="SIGABRT", pid=22, tid=22,
    ),
    case(
        "art-long", """\
*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Fatal signal 11 (SIGSEGV), code 9 (SEGV_MTESERR) fault addr 0x600007c00aabbc0
OS: Linux 6.1.0 (aarch64)
Cmdline: dalvikvm64 -cp a.jar Main
Thread: 88 "Jit thread pool worker thread 0"
Registers:
x0: 0x0600007c00aabbc0 x1: 0x0000000000000001
Backtrace:
  #00 pc 0000000000123400  /apex/com.android.art/lib64/libart.so (art::Compile+16)
""", SYNC, address="0x7c00aabbc0", logical_tag=6, tid=88, frame="art::Compile+0x10",
    ),
    case(
        "graphene-sync", """\
type: crash
osVersion: google/tokay/tokay:16/BBBB.260101.001/2026010101:user/release-keys
package: net.acme.chat:70, targetSdk 36
userType: full.system
uid: 10150 (u:r:untrusted_app:s0:c150,c256,c512,c768)
cmdline: net.acme.chat
processUptime: 7s

signal: 11 (SIGSEGV), code 9 (SEGV_MTESERR), faultAddr c00d11122233340
threadName: DefaultDispatch
MTE: enabled

backtrace:
    /data/app/~~x==/net.acme.chat-y==/lib/arm64/libchat.so (chat::Room::send(char const*)+96, pc 8a1c0)
    /data/app/~~x==/net.acme.chat-y==/base.apk!libnative.so (pc 1122)
""", SYNC, address="0xd11122233340", logical_tag=12, check_mode="enabled", process="net.acme.chat",
        thread="DefaultDispatch", frame="chat::Room::send(char const*)+0x60", frames=2,
    ),
    case(
        "graphene-async", """\
signal: 11 (SIGSEGV), code 8 (SEGV_MTEAERR), faultAddr --------
threadName: binder:700_1
MTE: enabled
backtrace:
    /apex/com.android.runtime/lib64/bionic/libc.so (__ioctl+4, pc a2d14)
""", ASYNC, address=None, thread="binder:700_1", frame="__ioctl+0x4",
    ),
    case(
        "graphene-double-free", """\
type: crash
package: net.acme.cam:1, targetSdk 34
abortMessage: hardened_malloc: fatal allocator error: double free (quarantine)
signal: 6 (SIGABRT), code -1 (SI_QUEUE)
threadName: cam
backtrace:
    /apex/com.android.runtime/lib64/bionic/libc.so (abort+156, pc 5cdfc)
""", OTHER, cause="hardened_malloc: double free (quarantine)", thread="cam",
    ),
    case(
        "sigchain", """\
01-02 03:04:05.000  310  333 E libsigchain: reverting to SIG_DFL handler for signal 11, ucontext 0x7bcd
01-02 03:04:05.001  310  333 F libc    : Fatal signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0b00007b44556670 in tid 333 (RT), pid 310 (acme)
""", SYNC, logical_tag=11, pid=310, tid=333, source="Android",
    ),
    case(
        "sigchain-alone",
        "01-02 03:04:05.000  310  333 E libsigchain: reverting to SIG_DFL handler for signal 11,"
        " ucontext 0x7bcd", UNKNOWN, pid=310, tid=333, source="libsigchain",
    ),
    case(
        "gwp-asan-llvm", """\
*** GWP-ASan detected a memory error ***
Double Free at 0x7feccab26000 (a 41-byte allocation) by thread 31027 here:
  #0 ./test(+0x45b31) [0x55585c0afa55]
  #1 /lib/libc.so.6(__libc_free+0x20) [0x7fecc0012345]
0x7feccab26000 was deallocated by thread 31027 here:
  #0 ./test(+0x45000) [0x55585c0a0000]
0x7feccab26000 was allocated by thread 31026 here:
  #0 ./test(+0x44000) [0x55585c09f000]
*** End GWP-ASan report ***
""", OTHER, address="0x7feccab26000", frame="test+0x45b31", frames=2,
        stacks=("freed by thread 31027", "allocated by thread 31026"),
    ),
    case(
        "gwp-asan-tombstone", """\
pid: 12, tid: 13, name: a  >>> b.c <<<
signal 11 (SIGSEGV), code 2 (SEGV_ACCERR), fault addr 0x0000007300aabb10 (write)
Cause: [GWP-ASan]: Buffer Overflow, 0 bytes right of a 16-byte allocation at 0x7300aabb00
""", OTHER, access="store", address="0x7300aabb10",
        cause="[GWP-ASan]: Buffer Overflow, 0 bytes right of a 16-byte allocation at 0x7300aabb00",
    ),
    case(
        "hwasan-write", """\
==811==ERROR: HWAddressSanitizer: tag-mismatch on address 0x0042c00010a0 at pc 0x005500112244
WRITE of size 8 at 0x0042c00010a0 tags: 9b/04(9b) (ptr/mem) in thread T3
    #0 0x5500112240 in Ring::push(int) /src/ring.cc:31:9
    #1 0x5500112300 in main /src/main.cc:12:3

Cause: use-after-free
0x0042c00010a0 is located 32 bytes inside a 64-byte region [0x0042c0001080,0x0042c00010c0)
freed by thread T1 here:
    #0 0x55000a0000 in free /llvm/hwasan_allocation_functions.cpp:141:3
previously allocated by thread T0 here:
    #0 0x55000a0100 in malloc /llvm/hwasan_allocation_functions.cpp:151:3

Memory tags around the buggy address (one tag corresponds to 16 bytes):
=>0x0042c0001000: 00  00  00  00  00  00  00  00  04  04 [04] 04  00  00  00  00
SUMMARY: HWAddressSanitizer: tag-mismatch /src/ring.cc:31:9 in Ring::push(int)
""", SYNC, access="store", size=8, logical_tag=0x9B, allocation_tag=4, pid=811, thread="T3",
        frame="Ring::push(int)", stacks=("freed by thread T1", "allocated by thread T0"),
        cause="use-after-free: 32 bytes inside a 64-byte region [0x0042c0001080,0x0042c00010c0)",
    ),
    case(
        "hwasan-invalid-free", """\
==9==ERROR: HWAddressSanitizer: invalid-free on address 0x0042c0001080 at pc 0x005500000010 on thread T0
tags: 33/44 (ptr/mem)
    #0 0x5500000010  (/bin/prog+0x10)
SUMMARY: HWAddressSanitizer: invalid-free (/bin/prog+0x10)
""", OTHER, frame="prog+0x10",
    ),
    case(
        "gwp-asan-llvm-overflow", """\
*** GWP-ASan detected a memory error ***
Buffer Overflow at 0x7feccab26010 (0 bytes right of a 16-byte allocation) by thread 12 here:
  #0 /usr/bin/acme(_Z4pushi+0x1c) [0x5500001c]
*** End GWP-ASan report ***
""", OTHER, address="0x7feccab26010", frame="_Z4pushi+0x1c",
    ),
    case(
        "scudo-size", "==12==Scudo ERROR: invalid sized delete when deallocating address"
        " 0x7f0000001230 (16 vs 24)", OTHER, source="Scudo",
    ),
    case(
        "scudo-stderr", "Scudo ERROR: corrupted chunk header at address 0x20000f7a1b2c340: most likely"
        " due to memory corruption", OTHER, source="Scudo",
        cause="Scudo: corrupted chunk header at address 0x20000f7a1b2c340: most likely due to memory"
        " corruption",
    ),
    case(
        "scudo-logcat", """\
01-01 00:00:01.000   55   56 E scudo   : Scudo ERROR: misaligned pointer when deallocating address 0x7b0000000001
01-01 00:00:01.001   55   56 F libc    : Fatal signal 6 (SIGABRT), code -1 (SI_QUEUE) in tid 56 (w), pid 55 (acme)
""", OTHER, pid=55, tid=56, signal="SIGABRT",
        cause="Scudo: misaligned pointer when deallocating address 0x7b0000000001",
    ),
    case(
        "hardened-malloc-stderr", "fatal allocator error: canary corrupted", OTHER,
        source="hardened_malloc", cause="hardened_malloc: canary corrupted",
    ),
    case(
        "hardened-malloc-logcat",
        "F/hardened_malloc(  77): fatal allocator error: invalid free", OTHER, pid=77,
        cause="hardened_malloc: invalid free",
    ),
    case(
        "tag-truncated",
        "E/libc ( 88): Pointer tag for 0x7b00112230 was truncated, see"
        " 'https://source.android.com/devices/tech/debug/tagged-pointers'.", OTHER, pid=88,
    ),
    case(
        "kasan-hw-read", """\
[   12.100000] ==================================================================
[   12.100010] BUG: KASAN: slab-use-after-free in acme_poll+0x1c/0x80 [acme]
[   12.100020] Read at addr f9ff000004a5b610 by task kworker/0:1/17
[   12.100030] Pointer tag: [f9], memory tag: [f2]
[   12.100040] CPU: 0 PID: 17 Comm: kworker/0:1 Not tainted 6.12.1 #1
[   12.100050] Call trace:
[   12.100060]  kasan_report+0xb8/0x120
[   12.100070]  do_tag_check_fault+0x78/0x8c
[   12.100080]  el1_abort+0x3c/0x5c
[   12.100090]  acme_poll+0x1c/0x80 [acme]
[   12.100100]  process_one_work+0x1d8/0x4cc
[   12.100110]
[   12.100120] The buggy address belongs to the object at ffff000004a5b600
[   12.100120]  which belongs to the cache kmalloc-64 of size 64
[   12.100130] The buggy address is located 16 bytes inside of
[   12.100130]  64-byte region [ffff000004a5b600, ffff000004a5b640)
[   12.100140] Memory state around the buggy address:
[   12.100150] >ffff000004a5b600: f2 f2 f2 f2 fe fe fe fe fe fe fe fe fe fe fe fe
[   12.100160]                          ^
[   12.100170] ==================================================================
""", SYNC, address="0xffff000004a5b610", logical_tag=9, allocation_tag=0xF2, access="load", tid=17,
        process="kworker/0:1", source="KASAN", frame="acme_poll+0x1c",
    ),
    case(
        "kasan-sw-write", """\
BUG: KASAN: slab-out-of-bounds in acme_store+0x44/0x90
Write of size 4 at addr b3ff00000712ab28 by task modprobe/201
Pointer tag: [b3], memory tag: [fe]
CPU: 1 UID: 0 PID: 201 Comm: modprobe Tainted: G           O        6.12.1 #1
Call trace:
 kasan_report+0xc8/0x138
 __hwasan_store4_noabort+0x30/0x38
 acme_store+0x44/0x90
The buggy address belongs to the object at ffff00000712ab00
 which belongs to the cache kmalloc-64 of size 64
The buggy address is located 40 bytes inside of
 allocated 40-byte region [ffff00000712ab00, ffff00000712ab28)
==================================================================
""", SYNC, access="store", size=4, logical_tag=0xB3, allocation_tag=0xFE, tid=201,
        frame="acme_store+0x44",
    ),
    case(
        "kasan-async", """\
[    3.000001] BUG: KASAN: invalid-access
[    3.000002] Asynchronous fault: no details available
[    3.000003] CPU: 3 PID: 0 Comm: swapper/3 Not tainted 6.12.1 #1
[    3.000004] Call trace:
[    3.000005]  mte_check_tfsr_el1+0x30/0x40
[    3.000006] ==================================================================
""", ASYNC, address=None, source="KASAN",
    ),
    case(
        "oops-store", """\
Unable to handle kernel paging request at virtual address f2ff000005550010
Mem abort info:
  ESR = 0x0000000096000051
  EC = 0x25: DABT (current EL), IL = 32 bits
  FSC = 0x11: synchronous tag check fault
Internal error: Oops: 0000000096000051 [#1] SMP
CPU: 0 PID: 1 Comm: init Not tainted 6.12.1 #1
pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)
pc : acme_write+0x10/0x40
lr : acme_ioctl+0x2c/0x60
sp : ffff800082abbd00
x29: ffff800082abbd00 x28: 0000000000000000 x27: f2ff000005550010
Call trace:
 acme_write+0x10/0x40 (P)
 acme_ioctl+0x2c/0x60
 el0_svc+0x30/0xd0
Code: d503201f f9400000 (f9000020) d65f03c0
---[ end trace 0000000000000000 ]---
""", SYNC, access="store", address="0xffff000005550010", logical_tag=2, process="init",
        frame="acme_write+0x10",
    ),
    case(
        "oops-null", """\
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008
Mem abort info:
  ESR = 0x0000000096000004
Internal error: Oops: 0000000096000004 [#1] SMP
pc : acme_probe+0x8/0x20
---[ end trace 0000000000000000 ]---
""", OTHER, address="0x8", exception="data abort in the kernel: translation fault, level 0",
    ),
    case(
        "dmesg-user", """\
[  201.000001] mtecase[733]: unhandled exception: DABT (lower EL), ESR 0x0000000092000051, synchronous tag check fault in mtecase[a2c,aaaac0de0000+1000]
[  201.000002] CPU: 1 PID: 733 Comm: mtecase Not tainted 6.12.1 #1
[  201.000003] pc : 0000aaaac0de0a2c
[  201.000004] lr : 0000aaaac0de0990
[  201.000005] sp : 0000ffffe1234560
[  201.000006] x29: 0000ffffe1234560 x28: 0000000000000000 x27: 0000000000000000
""", SYNC, access="store", tid=733, thread="mtecase", frame="mtecase+0xa2c",
        exception="data abort: synchronous tag check fault",
    ),
    case(
        "dmesg-user-old",
        "prog[31]: unhandled level 3 permission fault (11) at 0xffff8a000010, esr 0x9200004f", UNKNOWN,
        signal="SIGSEGV", address="0xffff8a000010",
    ),
    case(
        "strace-handled-then-killed", """\
[pid   900] --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MTESERR, si_addr=0x500ffff91220040} ---
[pid   900] rt_sigprocmask(SIG_UNBLOCK, [SEGV], NULL, 8) = 0
[pid   900] --- SIGABRT {si_signo=SIGABRT, si_code=SI_TKILL, si_pid=899, si_uid=0} ---
[pid   900] +++ killed by SIGABRT (core dumped) +++
""", UNKNOWN, signal="SIGABRT", tid=900,
    ),
    case(
        "strace-async", """\
1000 write(1, "x", 1) = 1
1000 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MTEAERR, si_addr=NULL} ---
1000 +++ killed by SIGSEGV +++
""", ASYNC, address=None, tid=1000,
    ),
    case(
        "gdb-thread", """\
[New Thread 0xfffff7cdf120 (LWP 733)]

Thread 2 "worker" received signal SIGSEGV, Segmentation fault
Memory tag violation while accessing address 0x0700fffff7ff0040
Allocation tag 0x2
Logical tag 0x7.
[Switching to Thread 0xfffff7cdf120 (LWP 733)]
0x0000aaaaaaaa0f00 in Ring::push (this=0x700fffff7ff0040, v=3) at ring.cc:31
31	  data_[head_++] = v;
(gdb) bt
#0  0x0000aaaaaaaa0f00 in Ring::push (this=0x700fffff7ff0040, v=3) at ring.cc:31
#1  0x0000aaaaaaaa1000 in worker () at main.cc:9
#2  0x0000fffff7e00000 in start_thread () from /lib/libc.so.6
""", SYNC, logical_tag=7, allocation_tag=2, address="0xfffff7ff0040", thread="worker", tid=733,
        frame="Ring::push", frames=3,
    ),
    case(
        "gdb-core", """\
Core was generated by `./prog 3'.
Program terminated with signal SIGSEGV, Segmentation fault.
#0  0x0000aaaaaaaa0f00 in push (r=0x0) at ring.c:31
31	  r->buf[0] = 1;
""", UNKNOWN, signal="SIGSEGV", frame="push",
    ),
    case(
        "gdb-gcs", """\
Program received signal SIGSEGV, Segmentation fault
Guarded Control Stack error.
0x0000fffff7ec6fc0 [GCS error] in ret_twice () at gcs.c:50
""", OTHER, code_name="SEGV_CPERR", frame="ret_twice",
    ),
    case(
        "lldb-sync", """\
Process 77 stopped
* thread #2, name = 'worker', stop reason = signal SIGSEGV: sync tag check fault (fault address=0xa00ffffb7ff0010 logical tag=0xa allocation tag=0x0)
    frame #0: 0x0000aaaaaaaa0f00 prog`push(r=0x0a00ffffb7ff0000, v=1) at ring.c:31:12
    frame #1: 0x0000aaaaaaaa1000 prog`main at ring.c:40:3
""", SYNC, logical_tag=10, allocation_tag=0, address="0xffffb7ff0010", thread="worker",
        frame="push", frames=2,
    ),
    case(
        "lldb-unmapped", """\
* thread #1, name = 'prog', stop reason = signal SIGSEGV: address not mapped to object (fault address=0x10)
    frame #0: 0x0000aaaaaaaa0f00 prog`main + 12
""", OTHER, code_name="SEGV_MAPERR", address="0x10", frame="main+0xc",
    ),
    case(
        "lldb-apple", """\
Process 812 stopped
* thread #4, name = 'render', stop reason = EXC_ARM_MTE_TAG_FAULT (code=262, address=0xc00000a11ff2040)
Note: MTE tag mismatch detected: pointer tag=12, address=0xa11ff2040
    frame #0: 0x0000000100a02c58 App`draw(canvas:) at Draw.swift:22:13
""", SYNC, logical_tag=12, address="0xa11ff2040", thread="render", frame="draw",
    ),
    case(
        "lldb-apple-other", """\
* thread #1, queue = 'com.apple.main-thread', stop reason = EXC_BAD_ACCESS (code=1, address=0x0)
    frame #0: 0x0000000100003f58 a.out`main at main.c:5:8
""", OTHER, address="0x0", frame="main",
    ),
    case(
        "hs-err-sync", """\
#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x0000ffff7c001234, pid=401, tid=417
#
# JRE version: OpenJDK Runtime Environment (21.0.5+11)
# Problematic frame:
# V  [libjvm.so+0x8a1234]  G1ParScanThreadState::steal+0x44
#
---------------  T H R E A D  ---------------
Current thread (0x0000ffff8c0a1000):  WorkerThread "GC Thread#1"     [id=417, stack(0x0,0x1)]

siginfo: si_signo: 11 (SIGSEGV), si_code: 9 (SEGV_MTESERR), si_addr: 0x0000ffff60001230

Registers:
R0=0x0000000000000001
R1=0x0c00ffff60001200
SP=0x0000ffff5c000000

Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)
V  [libjvm.so+0x8a1234]  G1ParScanThreadState::steal+0x44
C  [libpthread.so.0+0x7000]
""", SYNC, address="0xffff60001230", logical_tag=12, pid=401, tid=417,
        frame="G1ParScanThreadState::steal+0x44", frames=2, hidden=("x1", 0x30),
    ),
    case(
        "hs-err-other", """\
siginfo: si_signo: 11 (SIGSEGV), si_code: 1 (SEGV_MAPERR), si_addr: 0x0000000000000010
""", OTHER, address="0x10", source="Java VM",
    ),
    case(
        "go-cgo", """\
SIGSEGV: segmentation violation
PC=0xffff8f0c581c m=5 sigcode=9 addr=0xffff8a220340
signal arrived during cgo execution

goroutine 1 gp=0x40000021c0 m=5 mp=0x4000080008 [syscall]:
runtime.cgocall(0x4a1234, 0x40000bdee8)
	/usr/local/go/src/runtime/cgocall.go:167 +0x44 fp=0x40000bdeb0 sp=0x40000bde70 pc=0x40a1b4

r0      0x300ffff8a220300
r1      0x41
""", SYNC, address="0xffff8a220340", logical_tag=3, frame="runtime.cgocall+0x44",
        hidden=("x0", 0x40),
    ),
    case(
        "go-nil", """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x8ac10]

goroutine 1 [running]:
main.main()
	/tmp/x.go:7 +0x10
""", OTHER, address="0x0", frame="main.main+0x10",
    ),
    case(
        "chromium-unknown", """\
Received signal 11 <unknown> 00ffff8a220340
#0 0x55a1b2c3d4e4 base::debug::CollectStackTrace()
#1 0x55a1b2c3d000 v8::internal::Heap::Scavenge()
[end of stack trace]
""", UNKNOWN, address="0xffff8a220340", frame="base::debug::CollectStackTrace()",
    ),
    case(
        "chromium-maperr", """\
[pid=15][err] Received signal 11 SEGV_MAPERR 0000000001b0
[pid=15][err] #0 0x5590d4946413 (/opt/headless_shell+0x4265412)
""", OTHER, address="0x1b0", frame="headless_shell+0x4265412",
    ),
    case(
        "v8-check", """\
#
# Fatal error in ../../src/heap/sweeper.cc, line 212
# Check failed: page->is_swept().
#
""", OTHER, source="V8", message="Check failed: page->is_swept().",
    ),
    case(
        "box64-new",
        '[BOX64] 0731|SIGSEGV @0x7f00112233 (???(0x7f00112233)) (x64pc=0x40aa10/"main/prog + 0x10",'
        " rsp=0x7f0a0000, stack=0x7f000000:0x7f0b0000 own=(nil) fp=0x7f0a0010), for accessing"
        " 0xd00007f33445560 (code=9/prot=3), db=0x7f00110000(0x7f00112000:0x7f00113000/0x40aa00:"
        "0x40aa80/main/prog + 0x0:clean, hash:1/1) handler=(nil)",
        SYNC, address="0x7f33445560", logical_tag=13, tid=731,
    ),
    case(
        "box64-null",
        '0044|SIGSEGV @0x7f00112233 (memcpy(0x7f00112233)) (x64pc=0x40aa10/"???", rsp=0x7f0a0000,'
        " stack=0x1:0x2 own=(nil) fp=0x1), for accessing (nil) (code=1/prot=0), db=(nil)((nil):(nil)/"
        "(nil):(nil)/???:clean, hash:0/0) handler=(nil)",
        OTHER, address="0x0", tid=44, frame="memcpy",
    ),
    case(
        "fex-sigbus",
        "[ERROR] Unhandled JIT SIGBUS CASPAL: PC: 0x120e53c00 Instruction: 0x4866fd64", OTHER,
        signal="SIGBUS", source="FEX", frame="0x120e53c00",
    ),
    case(
        "fex-sigbus-plain", "E Unhandled JIT SIGBUS: PC: 0x7f81234560 Instruction: 0xb8004c20", OTHER,
        signal="SIGBUS", source="FEX",
    ),
    case(
        "qemu-uncaught", "qemu: uncaught target signal 6 (Aborted) - core dumped\nAborted", UNKNOWN,
        signal="SIGABRT", source="QEMU",
    ),
    case(
        "qemu-internal", "QEMU internal SIGSEGV {code=MAPERR, addr=0x20}", OTHER, address="0x20",
        code_name="SEGV_MAPERR",
    ),
    case(
        "crashlytics", """\
# Crashlytics - Stack trace
# Application: com.acme.go
# Platform: android
Crashed: RenderThread: SIGSEGV  0x0000007a11223344
#00 pc 0x1a2b3c libgo.so (go::Mesh::draw()) (BuildId: 00ff)
#01 pc 0x55aa libgo.so (BuildId: 00ff)
""", UNKNOWN, address="0x7a11223344", thread="RenderThread", frame="go::Mesh::draw()", frames=2,
    ),
    case(
        "crashlytics-code", "Crashed: pool-1: SIGSEGV SEGV_MTESERR 0x0b00007a11223340", SYNC,
        logical_tag=11, thread="pool-1",
    ),
    case(
        "sentry-minidump", "Fatal Error: SIGSEGV / SEGV_MTESERR / 0x0000007a11223340", SYNC,
        address="0x7a11223340", logical_tag=None,
    ),
    case(
        "sentry-java",
        "SIGSEGV: Fatal signal SIGSEGV (11), SEGV_MTESERR (9), pid = 7721 (com.acme.go)", SYNC, pid=7721,
        process="com.acme.go",
    ),
    case(
        "sentry-json", """\
{"exception": {"values": [{"type": "SIGSEGV", "mechanism": {"type": "signalhandler", "meta":
{"signal": {"number": 11, "code": 8, "name": "SIGSEGV", "code_name": "SEGV_MTEAERR"}}}}]}}
""", ASYNC,
    ),
    case(
        "stackwalk-rust", """\
Operating system: Linux
                  6.8.0-45-generic
CPU: arm64
     8 CPUs

Crash reason:  SIGSEGV / SEGV_MTESERR
Crash address: 0x0000ffff8a220340
Process uptime: not available

Thread 0 prog (crashed) - tid: 5001
 0  prog!push [ring.c : 31]
     x0 = 0x0f00ffff8a220300    x1 = 0x0000000000000041
     sp = 0x0000ffffe1234560    pc = 0x0000aaaac0de0a2c
    Found by: given as instruction pointer in context
 1  prog!main [ring.c : 40]
    Found by: call frame info

Thread 1 prog
 0  libc.so.6!futex_wait + 0x10
""", SYNC, address="0xffff8a220340", logical_tag=15, tid=5001, frame="push", frames=2,
        hidden=("x0", 0x40),
    ),
    case(
        "stackwalk-breakpad", """\
Crash reason:  SIGSEGV /0x00000008
Crash address: 0x0

Thread 5 (crashed)
 0  libc.so + 0xa2d14
""", ASYNC, address=None, frame="libc.so+0xa2d14",
    ),
    case(
        "coredumpctl-journal", """\
Jul 08 10:01:32 host systemd-coredump[2400]: [LNK] Process 2391 (ring) of user 1000 dumped core.

                                             Stack trace of thread 2391:
                                             #0  0x0000b8131fa40a1c push (/home/dev/ring + 0xa1c)
                                             #1  0x0000ffff8d1a73fc n/a (libc.so.6 + 0x273fc)
""", UNKNOWN, pid=2391, process="ring", frame="push",
    ),
    case(
        "coredumpctl-info", """\
           PID: 77 (boxd)
           UID: 0 (root)
        Signal: 6 (ABRT)
  Command Line: /usr/bin/boxd
    Executable: /usr/bin/boxd
       Storage: none
""", UNKNOWN, signal="SIGABRT", pid=77, process="boxd",
    ),
    case(
        "apple-sync", """\
Incident Identifier: 11111111-2222-3333-4444-555555555555
Process:             Painter [812]
Identifier:          org.acme.painter
OS Version:          macOS 26.2 (25C56)

Exception Type:        EXC_BAD_ACCESS (SIGKILL)
Exception Subtype:     EXC_ARM_MTE_TAGCHECK_FAIL at 0x0c00000a11ff2040
Exception Codes:       0x0000000000000106, 0x0c00000a11ff2040
Termination Reason:    Namespace MTE_FAIL, Code 262

Thread 4 Crashed::  Dispatch queue: render
0   Painter                       	       0x100a02c58 Canvas.draw() + 24 (Canvas.swift:22)
1   libdispatch.dylib             	       0x180a02c58 _dispatch_client_callout + 16

Thread 5:
0   libsystem_kernel.dylib        	       0x180b00000 __workq_kernreturn + 8

Thread 4 crashed with ARM Thread State (64-bit):
    x0: 0x0c00000a11ff2000   x1: 0x0000000000000000
   far: 0x0c00000a11ff2040  esr: 0x92000051 (Data Abort) byte write Synchronous Tag Check fault

Binary Images:
""", SYNC, access="store", size=1, address="0xa11ff2040", logical_tag=12, pid=812,
        process="Painter", frame="Canvas.draw()+0x18", frames=2,
    ),
    case(
        "apple-guard", """\
Process:             Painter [813]
Exception Type:    EXC_GUARD (SIGKILL)
Exception Subtype: GUARD_TYPE_VIRT_MEMORY
Exception Message: offset=0x0300000a11ff2040, flavor=0x000000c8 (GUARD_EXC_MTE_SYNC_FAULT)
""", SYNC, address="0xa11ff2040", logical_tag=3, pid=813,
    ),
    case(
        "apple-guard-async", """\
Process:             Painter [814]
Exception Type:    EXC_GUARD
Exception Message: offset=0x0000000000000000, flavor=0x000000c9 (GUARD_EXC_MTE_ASYNC_USER_FAULT)
""", ASYNC, address=None, pid=814,
    ),
    case(
        "apple-other", """\
Process:             Painter [815]
Exception Type:    EXC_BAD_ACCESS (SIGSEGV)
Exception Subtype: KERN_INVALID_ADDRESS at 0x0000000000000008
Exception Codes:   0x0000000000000001, 0x0000000000000008
Termination Reason: SIGNAL 11 Segmentation fault: 11
""", OTHER, address="0x8", pid=815,
    ),
    case(
        "own-handler", "[CRASH] SIGBUS @ 0x7100000010, illegal write at 0x7b00000013", OTHER,
        signal="SIGBUS", access="store", address="0x7b00000013",
    ),
    case(
        "own-handler-segv", "core: SIGSEGV @ 0x7100000010 invalid read of 0x7b00000010", UNKNOWN,
        access="load", address="0x7b00000010",
    ),
    case(
        "rust-panic", """\
thread 'main' panicked at src/value.rs:90:9:
assertion `left == right` failed: not a pointer
  left: 0xb4000071ce5dba00
 right: 0
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
""", OTHER, source="Rust", boxed=True,
    ),
    case(
        "rust-panic-plain", "thread 'io' panicked at src/main.rs:3:5:\nindex out of bounds", OTHER,
        message="index out of bounds", boxed=False,
    ),
    case("words-code", "code 9 (SEGV_MTESERR), fault addr 0x0b00007a11223340", SYNC, logical_tag=11),
    case("words-cause", "Cause: [MTE]: Buffer Underflow, 4 bytes left of a 32-byte allocation at"
         " 0x7b00112230", SYNC),
    case("words-async", "SEGV_MTEAERR", ASYNC),
    case("words-kernel", "signal 11 (SIGSEGV), code 128 (SI_KERNEL), fault addr 0x0", OTHER,
         address=None),
    case("words-pku", "signal 11 (SIGSEGV), code 4 (SEGV_PKUERR), fault addr 0xffff8a220340", OTHER),
    case("words-sent", "signal 11 (SIGSEGV), code -6 (SI_TKILL), fault addr --------", UNKNOWN),
)  # fmt: skip
