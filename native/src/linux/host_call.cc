// SPDX-License-Identifier: MIT
#include "linux/host_call.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "linux/arrival.h"
#include "run/fork_gate.h"

// long mtetso_waiting_call(long number, const long arguments[6], const uint32_t* arrived): AAPCS64;
// system calls have their number in x8 and keep every register but x0.
asm(R"(
  .text
  .align 2
  .globl mtetso_waiting_call
  .hidden mtetso_waiting_call
  .type mtetso_waiting_call, %function
mtetso_waiting_call:
  .cfi_startproc
  mov x8, x0
  mov x9, x1
  mov x10, x2
  ldp x0, x1, [x9]
  ldp x2, x3, [x9, #16]
  ldp x4, x5, [x9, #32]
  .globl mtetso_waiting_call_looks
  .hidden mtetso_waiting_call_looks
mtetso_waiting_call_looks:
  ldr w11, [x10]
  cbnz w11, mtetso_waiting_call_leaves
  .globl mtetso_waiting_call_enters
  .hidden mtetso_waiting_call_enters
mtetso_waiting_call_enters:
  svc #0
  ret
  .globl mtetso_waiting_call_leaves
  .hidden mtetso_waiting_call_leaves
mtetso_waiting_call_leaves:
  mov x0, #-4096
  ret
  .cfi_endproc
  .size mtetso_waiting_call, . - mtetso_waiting_call
)");

extern "C" {
long mtetso_waiting_call(long number, const long* arguments, const uint32_t* arrived);
extern const char mtetso_waiting_call_looks[], mtetso_waiting_call_enters[],
    mtetso_waiting_call_leaves[];
}

namespace mtetso {

long host_call(long number, const HostArguments& arguments) {
  const long* a = arguments.a;
  const long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return result == -1 ? -errno : result;
}

long waiting_call(long number, const HostArguments& arguments) {
  const OutOfRuntime outside;
  return mtetso_waiting_call(number, arguments.a, arrived_flag());
}

uintptr_t leave_waiting_call(uintptr_t pc) {
  const auto looks = reinterpret_cast<uintptr_t>(mtetso_waiting_call_looks);
  const auto enters = reinterpret_cast<uintptr_t>(mtetso_waiting_call_enters);
  return pc >= looks && pc <= enters ? reinterpret_cast<uintptr_t>(mtetso_waiting_call_leaves) : 0;
}

}  // namespace mtetso
