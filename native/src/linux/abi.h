// SPDX-License-Identifier: MIT
//
// Structures and constants of Linux on x86-64 that differ from those of other machines, as a guest
// sees them. Sources: the kernel's arch/x86/include/uapi/asm/{stat,sigcontext,ucontext}.h,
// include/uapi/linux/eventpoll.h, include/uapi/asm-generic/{fcntl,siginfo,ucontext}.h. What is not
// here (timespec, iovec, msghdr, siginfo, termios, rlimit, statfs, statx, flock, sigaction as the
// kernel has it …) is the same on both. native/tests/test_linux_abi.cc compares each field with
// the kernel's headers.
#pragma once

#include <cstdint>

namespace mtetso::x86 {

struct Stat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, pad;
  uint64_t rdev;
  int64_t size, blksize, blocks;
  uint64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
  int64_t unused[3];
};
static_assert(sizeof(Stat) == 144);

struct __attribute__((packed)) EpollEvent {
  uint32_t events;
  uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

// fs/readdir.c: struct linux_dirent, of getdents. The type is in the record's last byte.
struct OldDirectoryEntry {
  uint64_t ino, off;
  uint16_t length;
};
inline constexpr unsigned kOldNameOffset = 18;

// asm/sembuf.h: struct semid64_ds, with a struct ipc64_perm.
struct SemaphoreSet {
  uint8_t permissions[48];
  int64_t used;
  uint64_t unused1;
  int64_t changed;
  uint64_t unused2, count, unused3, unused4;
};
static_assert(sizeof(SemaphoreSet) == 104);

// Flags of open that are not the same everywhere.
inline constexpr uint32_t kDirect = 040000, kLargeFile = 0100000, kDirectory = 0200000,
                          kNoFollow = 0400000;

inline constexpr unsigned kSignals = 64;
inline constexpr uint64_t kRestorer = 0x04000000;  // SA_RESTORER

struct SignalAction {
  uint64_t handler, flags, restorer, mask;
};

struct SignalStack {
  uint64_t sp;
  int32_t flags;
  uint32_t pad;
  uint64_t size;
};

struct SignalContext {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  uint16_t cs, gs, fs, ss;
  uint64_t error, trap, old_mask, cr2, fpstate;
  uint64_t reserved[8];
};
static_assert(sizeof(SignalContext) == 256);

struct UserContext {
  uint64_t flags, link;
  SignalStack stack;
  SignalContext context;
  uint64_t mask;
};
static_assert(sizeof(UserContext) == 304);

inline constexpr uint64_t kUserContextFlags = 0x6;  // UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
inline constexpr uint16_t kUserCode = 0x33, kUserData = 0x2b;  // asm/segment.h: CS, SS

// arch/x86/include/asm/sigframe.h: struct rt_sigframe. `info` is a siginfo_t.
struct SignalFrame {
  uint64_t return_address;
  UserContext user;
  uint8_t info[128];
};
static_assert(sizeof(SignalFrame) == 440);

// The area of FXSAVE (Intel SDM, vol. 1, table 10-2), which fpstate points to.
inline constexpr uint64_t kFpState = 512;

// asm/trapnr.h, what sigcontext's `trap` says.
inline constexpr uint64_t kTrapDivide = 0, kTrapDebug = 1, kTrapBreakpoint = 3, kTrapUndefined = 6,
                          kTrapAlignment = 17, kTrapPage = 14, kTrapGeneral = 13, kTrapVector = 19;

}  // namespace mtetso::x86
