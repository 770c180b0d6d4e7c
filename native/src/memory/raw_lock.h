// SPDX-License-Identifier: MIT
//
// A futex lock that may be taken in a signal handler: std::mutex may not (POSIX XSH 2.4.3). The
// holder must not fault on guest memory while it holds it.
#pragma once

#include <atomic>
#include <cstdint>

namespace mtetso {

class RawLock {
 public:
  void lock() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) wait();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) wake();
  }
  bool held() const { return state_.load(std::memory_order_relaxed) != kFree; }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1, kContended = 2;
  void wait();
  void wake();
  std::atomic<uint32_t> state_{kFree};
};

}  // namespace mtetso
