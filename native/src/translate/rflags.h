// SPDX-License-Identifier: MIT
//
// A frame's flags as x86-64's RFLAGS (Intel SDM, vol. 1, 3.4.3).
#pragma once

#include <bit>
#include <cstdint>

#include "translate/frame.h"

namespace mtetso {

inline uint64_t rflags_of(const Frame& frame) {
  constexpr uint64_t kAlways = 1 << 1 | 1 << 9;  // reserved; IF
  const uint64_t nzcv = frame.guest.flags;
  const auto bit = [&](unsigned at) { return nzcv >> at & 1; };
  const uint64_t parity = (std::popcount(frame.parity) & 1) == 0;
  return kAlways | bit(29) | parity << 2 | uint64_t{(frame.adjust >> 4 & 1u) != 0} << 4 |
         bit(30) << 6 | bit(31) << 7 | uint64_t{frame.direction < 0} << 10 | bit(28) << 11 |
         uint64_t{frame.kept} << 18;
}

// As a signal's return sets them: ID stays what it is (arch/x86/kernel/signal_64.c: FIX_EFLAGS).
inline void set_rflags(Frame& frame, uint64_t rflags) {
  const auto bit = [&](unsigned at) { return rflags >> at & 1; };
  frame.guest.flags = bit(7) << 31 | bit(6) << 30 | bit(0) << 29 | bit(11) << 28;
  frame.parity = bit(2) != 0 ? 0 : 1;
  frame.adjust = static_cast<uint8_t>(bit(4) << 4);
  frame.direction = bit(10) != 0 ? -1 : 1;
  constexpr unsigned kIdentification = 8;
  frame.kept = static_cast<uint8_t>((frame.kept & kIdentification) | bit(18));
}

}  // namespace mtetso
