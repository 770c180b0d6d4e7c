// SPDX-License-Identifier: MIT
#include "memory/barriers.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "debug/trace.h"

namespace mtetso {
namespace {

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

// Once registered the call cannot fail (membarrier(2)); going on without the barrier would be
// wrong silently.
void must(int command) {
  const int saved = errno;
  if (membarrier(command) != 0) std::abort();
  if (tracing()) trace({.kind = TraceKind::Barrier, .first = static_cast<uint64_t>(command)});
  errno = saved;
}

}  // namespace

bool register_barriers() {
  return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
         membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
}

void barrier_everywhere() { must(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

void settle_accesses() {
  barrier_everywhere();
  barrier_everywhere();
}

void synchronize_cores() { must(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE); }

bool register_restarts() { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) == 0; }

void restart_sections() { must(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ); }

namespace {

#ifdef __aarch64__

void clean_lines(const void* write, const void* execute, size_t length) {
  uint64_t ctr;
  asm("mrs %0, ctr_el0" : "=r"(ctr));
  // CTR_EL0.IDC and DIC (Arm ARM D24.2.34): what is written need not be cleaned, what is executed
  // need not be invalidated. The barriers are needed all the same.
  const bool unified = (ctr >> 28 & 1) != 0, coherent = (ctr >> 29 & 1) != 0;
  const uintptr_t data_line = uintptr_t{4} << ((ctr >> 16) & 0xf);
  const uintptr_t code_line = uintptr_t{4} << (ctr & 0xf);
  const auto written = reinterpret_cast<uintptr_t>(write);
  const auto executed = reinterpret_cast<uintptr_t>(execute);
  for (uintptr_t at = written & ~(data_line - 1); !unified && at < written + length;
       at += data_line)
    asm volatile("dc cvau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish" ::: "memory");
  for (uintptr_t at = executed & ~(code_line - 1); !coherent && at < executed + length;
       at += code_line)
    asm volatile("ic ivau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

#else

// Nothing of ours is executed on other hosts; there the words are only looked at.
void clean_lines(const void*, const void*, size_t) {}

#endif

}  // namespace

void clean_code(const void* write, const void* execute, size_t length) {
  clean_lines(write, execute, length);
  if (!tracing()) return;
  trace({.kind = TraceKind::Cleaned,
         .address = reinterpret_cast<uintptr_t>(execute),
         .first = length});
}

}  // namespace mtetso
