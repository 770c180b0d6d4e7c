// SPDX-License-Identifier: MIT
#include "float/sse.h"

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace mtetso {
namespace {

// The host's own environment, meanwhile that of the guest's rounding.
class HostEnvironment {
 public:
  explicit HostEnvironment(uint32_t rounding) {
    std::fegetenv(&before_);
    constexpr int kModes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    std::fesetround(kModes[rounding]);
  }
  ~HostEnvironment() { std::fesetenv(&before_); }
  HostEnvironment(const HostEnvironment&) = delete;
  HostEnvironment& operator=(const HostEnvironment&) = delete;

 private:
  std::fenv_t before_;
};

template <typename T>
struct Format;
template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr Bits kSign = 0x80000000, kQuiet = 0x00400000, kIndefinite = 0xffc00000;
  static constexpr float kScale = 0x1p64F;
};
template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr Bits kSign = Bits{1} << 63, kQuiet = Bits{1} << 51;
  static constexpr Bits kIndefinite = Bits{0xfff8} << 48;
  static constexpr double kScale = 0x1p200;
};
template <typename T>
using BitsOf = typename Format<T>::Bits;

template <typename T>
BitsOf<T> bits(T value) {
  return std::bit_cast<BitsOf<T>>(value);
}
template <typename T>
T quiet(T nan) {
  return std::bit_cast<T>(bits(nan) | Format<T>::kQuiet);
}
template <typename T>
T indefinite() {
  return std::bit_cast<T>(Format<T>::kIndefinite);
}
template <typename T>
bool is_signaling(T value) {
  return std::isnan(value) && (bits(value) & Format<T>::kQuiet) == 0;
}
template <typename T>
bool is_denormal(T value) {
  return std::fpclassify(value) == FP_SUBNORMAL;
}
template <typename T>
T zero_like(T value) {
  return std::bit_cast<T>(bits(value) & Format<T>::kSign);
}
template <typename T>
constexpr T kSmallest = std::numeric_limits<T>::min();  // normal number

// A value that the compiler takes for one that it cannot know, and does not compute with early.
template <typename T>
T opaque(T value) {
  volatile T kept = value;
  return kept;
}

// One element of one operation. Flags are collected over elements.
class Unit {
 public:
  explicit Unit(uint32_t mxcsr) : mxcsr_(mxcsr) {}

  uint32_t flags() const { return flags_; }

  template <typename T>
  T arithmetic(FloatOp op, T a, T b) {
    if (propagates_nan(a, b)) return nan_of(a, b);
    a = operand(a);
    b = operand(b);
    begin();
    const T result = opaque(on_host(op, opaque(a), opaque(b)));
    const uint32_t host = host_flags();
    if ((host & mxcsr::kInvalid) != 0) {
      // A negative denormal has no root, and counts as that alone.
      flags_ |= mxcsr::kInvalid;
      return indefinite<T>();
    }
    if ((host & mxcsr::kDivideByZero) == 0) note_denormals(a, b);  // the other one comes first
    flags_ |= host;
    return finish(result, (host & mxcsr::kInexact) != 0,
                  [&] { return rounds_up_to_smallest(op, a, b); });
  }

  template <typename T>
  T square_root(T b) {
    if (propagates_nan(b, b)) return nan_of(b, b);
    b = operand(b);
    if (b < 0) {
      flags_ |= mxcsr::kInvalid;
      return indefinite<T>();
    }
    note_denormals(b, b);
    begin();
    const T result = opaque(std::sqrt(opaque(b)));
    flags_ |= host_flags();
    return result;
  }

  template <typename T>
  T smaller_or_larger(bool larger, T a, T b) {
    if (std::isnan(a) || std::isnan(b)) {
      flags_ |= mxcsr::kInvalid;
      return operand(b);
    }
    a = operand(a);
    b = operand(b);
    note_denormals(a, b);
    return (larger ? a > b : a < b) ? a : b;
  }

  // kLess, kEqual, kUnordered, or 0 for greater.
  template <typename T>
  uint64_t compare(bool signals, T a, T b) {
    if (std::isnan(a) || std::isnan(b)) {
      if (signals || is_signaling(a) || is_signaling(b)) flags_ |= mxcsr::kInvalid;
      return kUnordered;
    }
    a = operand(a);
    b = operand(b);
    note_denormals(a, b);
    return a < b ? kLess : a == b ? kEqual : 0;
  }

  // Predicates: equal, less, less or equal, unordered, and the opposite of each.
  template <typename T>
  BitsOf<T> mask(uint8_t predicate, T a, T b) {
    constexpr uint64_t kWanted[] = {kEqual, kLess, kLess | kEqual, kUnordered};
    const uint8_t kind = predicate & 3;
    const uint64_t found = compare(kind == 1 || kind == 2, a, b);
    const bool holds = (found & kWanted[kind]) != 0;
    return holds != ((predicate & 4) != 0) ? ~BitsOf<T>{0} : 0;
  }

  double widen(float b) {
    if (is_signaling(b)) flags_ |= mxcsr::kInvalid;
    if (std::isnan(b)) {
      const uint64_t from = bits(b);
      return std::bit_cast<double>((from & 0x80000000) << 32 | uint64_t{0x7ff8} << 48 |
                                   (from & 0x3fffff) << 29);
    }
    b = operand(b);
    note_denormals(b, b);
    return b;
  }

  float narrow(double b) {
    if (is_signaling(b)) flags_ |= mxcsr::kInvalid;
    if (std::isnan(b)) {
      const uint64_t from = bits(b);
      return std::bit_cast<float>(static_cast<uint32_t>(from >> 32 & 0x80000000) | 0x7fc00000 |
                                  static_cast<uint32_t>(from >> 29 & 0x3fffff));
    }
    b = operand(b);
    note_denormals(b, b);
    begin();
    const float result = opaque(static_cast<float>(opaque(b)));
    const uint32_t host = host_flags();
    flags_ |= host;
    return finish(result, (host & mxcsr::kInexact) != 0, [&] {
      const float scaled = opaque(static_cast<float>(opaque(b * 0x1p64)));
      return std::fabs(scaled) < kSmallest<float> * 0x1p64F;
    });
  }

  template <typename Integer, typename T>
  Integer to_integer(bool truncates, T b) {
    b = std::isnan(b) ? b : operand(b);
    const T whole = truncates ? std::trunc(b) : std::nearbyint(opaque(b));
    constexpr T kEnd = static_cast<T>(std::numeric_limits<Integer>::max() / 2 + 1) * 2;
    if (!(whole >= -kEnd && whole < kEnd)) {  // also a NaN
      flags_ |= mxcsr::kInvalid;
      return std::numeric_limits<Integer>::min();
    }
    if (whole != b) flags_ |= mxcsr::kInexact;
    return static_cast<Integer>(whole);
  }

  template <typename T, typename Integer>
  T from_integer(Integer b) {
    begin();
    const T result = opaque(static_cast<T>(opaque(b)));
    flags_ |= host_flags();
    return result;
  }

  // Neither raises anything, nor rounds by MXCSR. x86 promises an error of 1.5 * 2^-12; these are
  // as exact as their format.
  static float reciprocal(float b) {
    if (std::isnan(b)) return quiet(b);
    if (is_denormal(b)) b = zero_like(b);
    if (b == 0) return std::bit_cast<float>(bits(b) | 0x7f800000);
    const auto result = static_cast<float>(1.0 / static_cast<double>(b));
    return is_denormal(result) ? zero_like(result) : result;
  }
  static float reciprocal_root(float b) {
    if (std::isnan(b)) return quiet(b);
    if (is_denormal(b)) b = zero_like(b);
    if (b == 0) return std::bit_cast<float>(bits(b) | 0x7f800000);
    if (b < 0) return indefinite<float>();
    return static_cast<float>(1.0 / std::sqrt(static_cast<double>(b)));
  }

 private:
  bool has(uint32_t bit) const { return (mxcsr_ & bit) != 0; }
  bool is_masked(uint32_t flag) const { return has(flag << 7); }

  static void begin() { std::feclearexcept(FE_ALL_EXCEPT); }

  // Not that of underflow, for which hosts have different rules.
  static uint32_t host_flags() {
    const int raised = std::fetestexcept(FE_ALL_EXCEPT);
    return ((raised & FE_INVALID) != 0 ? mxcsr::kInvalid : 0) |
           ((raised & FE_DIVBYZERO) != 0 ? mxcsr::kDivideByZero : 0) |
           ((raised & FE_OVERFLOW) != 0 ? mxcsr::kOverflow : 0) |
           ((raised & FE_INEXACT) != 0 ? mxcsr::kInexact : 0);
  }

  template <typename T>
  static T on_host(FloatOp op, T a, T b) {
    switch (op) {
      case FloatOp::Add:
        return a + b;
      case FloatOp::Subtract:
        return a - b;
      case FloatOp::Multiply:
        return a * b;
      default:
        return a / b;
    }
  }

  template <typename T>
  bool propagates_nan(T a, T b) {
    if (is_signaling(a) || is_signaling(b)) flags_ |= mxcsr::kInvalid;
    return std::isnan(a) || std::isnan(b);
  }
  template <typename T>
  static T nan_of(T a, T b) {
    return quiet(std::isnan(a) ? a : b);
  }

  // What an operand counts as.
  template <typename T>
  T operand(T value) const {
    return has(mxcsr::kDenormalsAreZero) && is_denormal(value) ? zero_like(value) : value;
  }
  template <typename T>
  void note_denormals(T a, T b) {
    if (is_denormal(a) || is_denormal(b)) flags_ |= mxcsr::kDenormal;
  }

  // The result as it is after rounding, where it may be tiny. It is tiny if it would be below the
  // smallest normal number even with exponents without end.
  template <typename T, typename Tiny>
  T finish(T result, bool inexact, Tiny below_smallest) {
    const T size = std::fabs(result);
    if (size > kSmallest<T> || (size == 0 && !inexact)) return result;
    if (size == kSmallest<T> && !(inexact && below_smallest())) return result;
    if (!is_masked(mxcsr::kUnderflow)) {
      flags_ |= mxcsr::kUnderflow;
    } else if (has(mxcsr::kFlushToZero)) {
      flags_ |= mxcsr::kUnderflow | mxcsr::kInexact;
      return zero_like(result);
    } else if (inexact) {
      flags_ |= mxcsr::kUnderflow;
    }
    return result;
  }

  // Whether a product or quotient that became the smallest normal number did so only because it had
  // few bits. Sums of that size are exact.
  template <typename T>
  static bool rounds_up_to_smallest(FloatOp op, T a, T b) {
    constexpr T kScale = Format<T>::kScale;
    if (op == FloatOp::Multiply && std::fabs(a) > std::fabs(b)) std::swap(a, b);
    const T scaled = opaque(on_host(op, opaque(a * kScale), opaque(b)));
    return std::fabs(scaled) < kSmallest<T> * kScale;
  }

  const uint32_t mxcsr_;
  uint32_t flags_ = 0;
};

template <typename T>
T element(const Vector& from, unsigned index) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char*>(&from) + index * sizeof value, sizeof value);
  return value;
}

template <typename T>
void set_element(Vector& to, unsigned index, T value) {
  std::memcpy(reinterpret_cast<char*>(&to) + index * sizeof value, &value, sizeof value);
}

template <typename T>
void compute(Unit& unit, const FloatWork& work, const Vector& a, const Vector& b, unsigned i,
             Vector& to) {
  const auto left = [&] { return element<T>(a, i); };
  const auto right = [&] { return element<T>(b, i); };
  switch (work.op) {
    case FloatOp::Add:
    case FloatOp::Subtract:
    case FloatOp::Multiply:
    case FloatOp::Divide:
      return set_element(to, i, unit.arithmetic(work.op, left(), right()));
    case FloatOp::SquareRoot:
      return set_element(to, i, unit.square_root(right()));
    case FloatOp::Minimum:
    case FloatOp::Maximum:
      return set_element(to, i,
                         unit.smaller_or_larger(work.op == FloatOp::Maximum, left(), right()));
    case FloatOp::Compare:
      return set_element(to, i, unit.mask(work.detail, left(), right()));
    case FloatOp::CompareQuietly:
    case FloatOp::CompareAll:
      return set_element(to, 0, unit.compare(work.op == FloatOp::CompareAll, left(), right()));
    case FloatOp::Widen:
      return set_element(to, i, unit.widen(element<float>(b, i)));
    case FloatOp::Narrow:
      return set_element(to, i, unit.narrow(element<double>(b, i)));
    case FloatOp::ToInteger:
    case FloatOp::Truncate: {
      const bool truncates = work.op == FloatOp::Truncate;
      if (work.detail == 8) return set_element(to, i, unit.to_integer<int64_t>(truncates, right()));
      return set_element(to, i, unit.to_integer<int32_t>(truncates, right()));
    }
    case FloatOp::FromInteger:
      if (work.detail == 8) return set_element(to, i, unit.from_integer<T>(element<int64_t>(b, i)));
      return set_element(to, i, unit.from_integer<T>(element<int32_t>(b, i)));
    case FloatOp::Reciprocal:
      return set_element(to, i, Unit::reciprocal(element<float>(b, i)));
    case FloatOp::ReciprocalRoot:
      return set_element(to, i, Unit::reciprocal_root(element<float>(b, i)));
    case FloatOp::SetMxcsr:
    case FloatOp::GetMxcsr:
      break;
  }
}

}  // namespace

FloatResult perform(const FloatWork& work, const Vector& a, const Vector& b, uint32_t mxcsr) {
  const bool approximates = work.op == FloatOp::Reciprocal || work.op == FloatOp::ReciprocalRoot;
  const HostEnvironment environment(approximates ? 0 : mxcsr::rounding(mxcsr));
  FloatResult result;
  Unit unit(mxcsr);
  for (unsigned i = 0; i < work.elements; ++i) {
    if (work.is_double)
      compute<double>(unit, work, a, b, i, result.value);
    else
      compute<float>(unit, work, a, b, i, result.value);
  }
  // Those of the operands come first: if they are not masked, nothing is computed (appendix E).
  constexpr uint32_t kOfOperands = mxcsr::kInvalid | mxcsr::kDenormal | mxcsr::kDivideByZero;
  const uint32_t not_masked = ~(mxcsr >> 7) & mxcsr::kFlags;
  result.flags = unit.flags();
  if ((result.flags & kOfOperands & not_masked) != 0) result.flags &= kOfOperands;
  result.unmasked = result.flags & not_masked;
  return result;
}

}  // namespace mtetso
