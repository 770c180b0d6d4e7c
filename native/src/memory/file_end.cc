// SPDX-License-Identifier: MIT
#include "memory/file_end.h"

#include <unistd.h>

// int mtetso_readable(const void* address): 1 if a byte can be read there; the handler of SIGBUS
// goes on behind it with 0.
#ifdef __aarch64__
asm(R"(
  .text
  .align 2
  .globl mtetso_readable
  .hidden mtetso_readable
  .type mtetso_readable, %function
mtetso_readable:
  .cfi_startproc
  ldrb w1, [x0]
  mov w0, #1
  ret
  .globl mtetso_not_readable
  .hidden mtetso_not_readable
mtetso_not_readable:
  mov w0, #0
  ret
  .cfi_endproc
  .size mtetso_readable, . - mtetso_readable
)");

extern "C" {
int mtetso_readable(const void* address);
extern const char mtetso_not_readable[];
}
#else
// Where the unit tests run there is no handler.
static int mtetso_readable(const void* address) {
  return static_cast<void>(*static_cast<const volatile char*>(address)), 1;
}
#endif

namespace mtetso {

bool file_reaches(uint64_t address, uint64_t length) {
  if (length == 0) return true;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t last = address + length - 1;
  for (uint64_t at = address;;) {
    if (mtetso_readable(reinterpret_cast<const void*>(at)) == 0) return false;
    const uint64_t next = (at | (page - 1)) + 1;
    if (next > last) return true;
    at = next;
  }
}

#ifdef __aarch64__
uintptr_t leave_file_reaches(uintptr_t pc) {
  if (pc != reinterpret_cast<uintptr_t>(&mtetso_readable)) return 0;
  return reinterpret_cast<uintptr_t>(mtetso_not_readable);
}
#else
uintptr_t leave_file_reaches(uintptr_t) { return 0; }
#endif

}  // namespace mtetso
