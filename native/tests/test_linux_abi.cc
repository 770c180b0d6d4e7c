// SPDX-License-Identifier: MIT
//
// The layouts of linux/abi.h against the kernel's headers of x86-64, which the host of these tests
// is: every field, by name.
#include <doctest/doctest.h>
#include <linux/types.h>

#include <cstddef>
#include <string>

#include "linux/abi.h"

// The C library has structures of the same names.
#undef sa_handler
#undef st_atime
#undef st_mtime
#undef st_ctime
namespace kernel {
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/ucontext.h>
#include <linux/eventpoll.h>
#include <linux/sem.h>
}  // namespace kernel

namespace {

struct Field {
  const char* name;
  size_t ours, ours_size, kernels, kernels_size;
};

#define FIELD(ours, field, structure, kernels)                                                     \
  {                                                                                                \
#structure "." #kernels, offsetof(mtetso::x86::ours, field), sizeof(mtetso::x86::ours::field), \
        offsetof(struct kernel::structure, kernels), sizeof(kernel::structure::kernels)            \
  }
#define CONTEXT(field) FIELD(SignalContext, field, sigcontext, field)

const Field kFields[] = {
    FIELD(Stat, dev, stat, st_dev),
    FIELD(Stat, ino, stat, st_ino),
    FIELD(Stat, nlink, stat, st_nlink),
    FIELD(Stat, mode, stat, st_mode),
    FIELD(Stat, uid, stat, st_uid),
    FIELD(Stat, gid, stat, st_gid),
    FIELD(Stat, rdev, stat, st_rdev),
    FIELD(Stat, size, stat, st_size),
    FIELD(Stat, blksize, stat, st_blksize),
    FIELD(Stat, blocks, stat, st_blocks),
    FIELD(Stat, atime, stat, st_atime),
    FIELD(Stat, atime_nsec, stat, st_atime_nsec),
    FIELD(Stat, mtime, stat, st_mtime),
    FIELD(Stat, mtime_nsec, stat, st_mtime_nsec),
    FIELD(Stat, ctime, stat, st_ctime),
    FIELD(Stat, ctime_nsec, stat, st_ctime_nsec),
    FIELD(EpollEvent, events, epoll_event, events),
    FIELD(EpollEvent, data, epoll_event, data),
    FIELD(SemaphoreSet, permissions, semid64_ds, sem_perm),
    FIELD(SemaphoreSet, used, semid64_ds, sem_otime),
    FIELD(SemaphoreSet, changed, semid64_ds, sem_ctime),
    FIELD(SemaphoreSet, count, semid64_ds, sem_nsems),
    FIELD(SignalAction, handler, sigaction, sa_handler),
    FIELD(SignalAction, flags, sigaction, sa_flags),
    FIELD(SignalAction, restorer, sigaction, sa_restorer),
    FIELD(SignalAction, mask, sigaction, sa_mask),
    FIELD(SignalStack, sp, sigaltstack, ss_sp),
    FIELD(SignalStack, flags, sigaltstack, ss_flags),
    FIELD(SignalStack, size, sigaltstack, ss_size),
    CONTEXT(r8),
    CONTEXT(r15),
    CONTEXT(rdi),
    CONTEXT(rsi),
    CONTEXT(rbp),
    CONTEXT(rbx),
    CONTEXT(rdx),
    CONTEXT(rax),
    CONTEXT(rcx),
    CONTEXT(rsp),
    CONTEXT(rip),
    CONTEXT(cs),
    CONTEXT(gs),
    CONTEXT(fs),
    CONTEXT(ss),
    CONTEXT(cr2),
    CONTEXT(fpstate),
    FIELD(SignalContext, rflags, sigcontext, eflags),
    FIELD(SignalContext, error, sigcontext, err),
    FIELD(SignalContext, trap, sigcontext, trapno),
    FIELD(SignalContext, old_mask, sigcontext, oldmask),
    FIELD(SignalContext, reserved, sigcontext, reserved1),
    FIELD(UserContext, flags, ucontext, uc_flags),
    FIELD(UserContext, link, ucontext, uc_link),
    FIELD(UserContext, stack, ucontext, uc_stack),
    FIELD(UserContext, context, ucontext, uc_mcontext),
    FIELD(UserContext, mask, ucontext, uc_sigmask),
};

}  // namespace

TEST_CASE("structures are as the kernel's headers have them") {
  for (const Field& field : kFields) {
    CAPTURE(std::string(field.name));
    CHECK(field.ours == field.kernels);
    CHECK(field.ours_size == field.kernels_size);
  }
  CHECK(sizeof(mtetso::x86::Stat) == sizeof(struct kernel::stat));
  CHECK(sizeof(mtetso::x86::EpollEvent) == sizeof(struct kernel::epoll_event));
  CHECK(sizeof(mtetso::x86::SignalContext) == sizeof(struct kernel::sigcontext));
  CHECK(sizeof(mtetso::x86::UserContext) == sizeof(struct kernel::ucontext));
  CHECK(mtetso::x86::kUserContextFlags == (UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS));
  CHECK(mtetso::x86::kRestorer == SA_RESTORER);
  CHECK(mtetso::x86::kFpState == sizeof(struct kernel::_fpstate_64));
}
