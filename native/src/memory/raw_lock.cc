// SPDX-License-Identifier: MIT
#include "memory/raw_lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mtetso {
namespace {

// errno belongs to whatever the signal handler interrupted.
void futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  const int saved = errno;
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG, value,
          nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace

void RawLock::wait() {
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree)
    futex(state_, FUTEX_WAIT, kContended);
}

void RawLock::wake() { futex(state_, FUTEX_WAKE, 1); }

}  // namespace mtetso
