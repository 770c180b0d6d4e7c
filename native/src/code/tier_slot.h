// SPDX-License-Identifier: MIT
//
// Where a guest function is entered, in any tier: one slot per function, read by generated code.
// Code of one block calls code of another through it, without the dispatcher.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mtetso {

struct TierSlot {
  std::atomic<uint64_t> best{0};    // host entry of the best code; 0: none
  std::atomic<uint64_t> better{0};  // the same where that is a higher tier than baseline, else 0
  std::atomic<int32_t> left{0};     // ticks of baseline code until a better tier is requested
};

// Generated code relies on these.
static_assert(offsetof(TierSlot, best) == 0 && offsetof(TierSlot, better) == 8 &&
              offsetof(TierSlot, left) == 16);
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(TierSlot) == 24);

}  // namespace mtetso
