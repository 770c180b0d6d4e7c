// SPDX-License-Identifier: MIT
//
// A full fence as one instruction: std::atomic_thread_fence is refused under ThreadSanitizer, which
// does not model it; nothing that it checks depends on these fences.
#pragma once

namespace mtetso {

inline void full_fence() {
#ifdef __aarch64__
  asm volatile("dmb ish" ::: "memory");
#else
  asm volatile("mfence" ::: "memory");
#endif
}

}  // namespace mtetso
