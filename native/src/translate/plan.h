// SPDX-License-Identifier: MIT
//
// What the translator is given besides the guest's bytes: the kind of code to make, and what is
// known from earlier runs.
#pragma once

#include <cstdint>
#include <functional>

#include "compiled.h"

namespace mtetso {

// One memop of the guest: the instruction, and which of its accesses, counted from 0 in the order
// in which they are emitted.
struct MemopKey {
  uint64_t guest_rip = 0;
  uint32_t ordinal = 0;

  auto operator<=>(const MemopKey&) const = default;
};

// What a profile says about a memop; mode 0: nothing.
struct MemopAdvice {
  uint32_t mode = 0;  // MTEDBG_Mode_*
  bool pinned = false;
};

struct TranslationPlan {
  // Whether all of the units must be there. Otherwise a part will do that has their starts.
  bool whole = true;
  // A memop that stayed local is emitted local; one that is known to be shared is emitted without
  // [1] if the shared tag is 0. Empty: every memop starts in its initial mode.
  std::function<MemopAdvice(const MemopKey&)> advice;
  // For baseline code that a better tier may replace: it counts down at the function's beginning
  // and at the heads of loops, and continues in better code if there is some.
  bool ticks = false;
  // The index of the function that begins at a guest address, kNoFunction if there is none: calls
  // out of this piece of code go through its tier slot. Empty: through the dispatcher.
  std::function<uint32_t(uint64_t guest_rip)> function_at;
};

}  // namespace mtetso
