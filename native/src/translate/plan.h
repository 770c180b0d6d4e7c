// SPDX-License-Identifier: MIT
//
// What the translator is told beside the guest's bytes: how good the code is to be, and what is
// known from code that ran before.
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

// What a profile says of a memop; mode 0: nothing.
struct MemopAdvice {
  uint32_t mode = 0;  // MTEDBG_Mode_*
  bool pinned = false;
};

struct TranslationPlan {
  // A memop that stayed local is emitted local, one that is known to be shared without [1] where
  // the shared tag is that of plain pointers. Empty: every memop starts in its first form.
  std::function<MemopAdvice(const MemopKey&)> advice;
  // Baseline code of functions that a better tier may come for: it counts down at the function's
  // beginning and at the heads of loops, and goes to the better code where there is some.
  bool ticks = false;
  // The index of the function that begins at a guest address, kNoFunction where none does: calls
  // that leave the code at hand go there by its tier slot. Empty: by the dispatcher.
  std::function<uint32_t(uint64_t guest_rip)> function_at;
};

}  // namespace mtetso
