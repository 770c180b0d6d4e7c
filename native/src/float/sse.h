// SPDX-License-Identifier: MIT
//
// SSE's and SSE2's operations on floating-point numbers exactly as x86 does them: which NaN is the
// result, when a result is tiny, denormals that count as zeros, each exception. Slow: for values
// for which the host's arithmetic differs (translate/lower_float.cc).
//
// Rules: Intel SDM volume 1, 4.8.3, 4.9, 11.5 and appendix E.
#pragma once

#include <cstdint>

namespace mtetso {

enum class FloatOp : uint8_t {
  Add,
  Subtract,
  Multiply,
  Divide,
  SquareRoot,  // of b
  Minimum,
  Maximum,
  Compare,         // to all ones or zeros; detail: the predicate
  CompareQuietly,  // comparison of one element to kLess…; signals for signaling NaNs only
  CompareAll,      // the same, signals for all NaNs
  Widen,           // b, single to double
  Narrow,          // b, double to single
  ToInteger,       // b, rounded; detail: bytes of the integer
  Truncate,        // b, likewise
  FromInteger,     // b; detail: bytes of the integer
  Reciprocal,      // of b
  ReciprocalRoot,  // of b
  SetMxcsr,        // to b; not an operation on numbers
  GetMxcsr,
};

// What to do, as generated code has it in a register.
struct FloatWork {
  FloatOp op = FloatOp::Add;
  bool is_double = false;  // the elements that are read, or where those are integers, written
  uint8_t elements = 1;    // that are computed; others of the result are zeros
  uint8_t detail = 0;

  constexpr uint32_t word() const {
    return static_cast<uint32_t>(op) | uint32_t{is_double} << 8 | uint32_t{elements} << 16 |
           uint32_t{detail} << 24;
  }
  static constexpr FloatWork of(uint32_t word) {
    return {static_cast<FloatOp>(word & 0xff), (word >> 8 & 1) != 0,
            static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 24)};
  }
};

// The result of comparisons: CF, ZF and PF of comiss.
inline constexpr uint64_t kLess = 1, kEqual = 2, kUnordered = 4;

namespace mxcsr {
inline constexpr uint32_t kInvalid = 1, kDenormal = 2, kDivideByZero = 4, kOverflow = 8,
                          kUnderflow = 16, kInexact = 32, kFlags = 63;
inline constexpr uint32_t kDenormalsAreZero = 1 << 6, kMasks = kFlags << 7, kFlushToZero = 1 << 15;
inline constexpr uint32_t kAll = 0xffff;  // bits that can be set
inline constexpr uint32_t kAtStart = kMasks;

// Whether the host's arithmetic has a mode for it.
constexpr bool is_plain(uint32_t value) {
  return (value & (kDenormalsAreZero | kFlushToZero)) == 0 && (value & kMasks) == kMasks;
}
// 0 nearest, 1 down, 2 up, 3 to zero.
constexpr uint32_t rounding(uint32_t value) { return value >> 13 & 3; }
}  // namespace mxcsr

// Elements of 16 bytes, the lowest first.
struct Vector {
  uint64_t half[2];
};

struct FloatResult {
  Vector value{};
  uint32_t flags = 0;     // exceptions, masked or not
  uint32_t unmasked = 0;  // of them; if there are any there is no value
};

// `work`, which is an operation on numbers, under MXCSR. Leaves the host's rounding and its sticky
// bits as they were.
FloatResult perform(const FloatWork& work, const Vector& a, const Vector& b, uint32_t mxcsr);

}  // namespace mtetso
