// SPDX-License-Identifier: MIT
#include "float/x87.h"

#include <algorithm>
#include <bit>

#include "float/sse.h"
#include "float/transcendental.h"

extern "C" {
#include <platform.h>
//
#include <internals.h>
#include <softfloat.h>
#include <specialize.h>
}

namespace mtetso {
namespace {

using namespace x87;  // NOLINT

constexpr uint16_t kSign = 0x8000, kLargest = 0x7fff;
constexpr int kDigits = 18;  // of a decimal number
constexpr uint64_t kInteger = uint64_t{1} << 63, kQuiet = uint64_t{1} << 62;
constexpr Extended kIndefinite{kInteger | kQuiet, 0xffff}, kZero{0, 0};
constexpr int kBias = 0x3fff;

extFloat80_t soft(const Extended& value) {
  extFloat80_t to{};
  to.signif = value.significand;
  to.signExp = value.sign_exponent;
  // A pseudo-denormal is the smallest normal exponent's, which SoftFloat does not always see.
  if ((value.sign_exponent & kLargest) == 0 && (value.significand & kInteger) != 0) ++to.signExp;
  return to;
}
Extended hard(const extFloat80_t& value) { return {value.signif, value.signExp}; }

uint16_t exponent(const Extended& value) { return value.sign_exponent & kLargest; }
bool is_negative(const Extended& value) { return (value.sign_exponent & kSign) != 0; }
bool is_zero(const Extended& value) { return exponent(value) == 0 && value.significand == 0; }
bool is_denormal(const Extended& value) { return exponent(value) == 0 && value.significand != 0; }
// Encodings that the 80387 and later do not support: no integer bit, but an exponent.
bool is_unsupported(const Extended& value) {
  return exponent(value) != 0 && (value.significand & kInteger) == 0;
}
bool is_nan(const Extended& value) {
  return exponent(value) == kLargest && (value.significand & ~kInteger) != 0;
}
bool is_infinite(const Extended& value) {
  return exponent(value) == kLargest && value.significand == kInteger;
}
bool is_signaling(const Extended& value) {
  return is_nan(value) && (value.significand & kQuiet) == 0;
}
Extended quiet(Extended nan) {
  nan.significand |= kQuiet;
  return nan;
}
Extended with_sign(Extended value, bool negative) {
  value.sign_exponent =
      static_cast<uint16_t>((value.sign_exponent & kLargest) | (negative ? kSign : 0));
  return value;
}
bool is_smaller(const Extended& a, const Extended& b) {  // in magnitude
  return exponent(a) != exponent(b) ? exponent(a) < exponent(b) : a.significand < b.significand;
}

// A number as its exponent and a significand with integer bit. Not of zero.
struct Parts {
  int exponent;
  uint64_t significand;
};
Parts parts(const Extended& value) {
  const int shift = std::countl_zero(value.significand);
  return {std::max<int>(exponent(value), 1) - shift, value.significand << shift};
}

// The same number as results have it: a denormal with an integer bit has the least exponent.
Extended normal(Extended value) {
  if (exponent(value) == 0 && (value.significand & kInteger) != 0) ++value.sign_exponent;
  return value;
}

// In the order of the control word's RC.
constexpr uint8_t kModes[] = {softfloat_round_near_even, softfloat_round_min, softfloat_round_max,
                              softfloat_round_minMag};

void summarise(X87State& state) {
  const bool any = (state.status & ~state.control & kExceptions) != 0;
  state.status &= static_cast<uint16_t>(~(kSummary | kBusy));
  if (any) state.status |= kSummary | kBusy;
}

// One instruction.
class Unit {
 public:
  Unit(X87State& state, const X87Work& work, const uint64_t (&operand)[2])
      : state_(state), work_(work), operand_{operand[0], operand[1]} {
    softfloat_detectTininess = softfloat_tininess_afterRounding;
  }

  X87Result run() {
    if (!control()) {
      if ((state_.status & kSummary) != 0) {
        result_.unmasked = state_.status & ~state_.control & kExceptions;
        return result_;
      }
      const X87State before = state_;
      if (!leaves_c1()) state_.status &= static_cast<uint16_t>(~kC1);
      compute();
      state_.status |= flags_;
      result_.unmasked = flags_ & ~state_.control & kExceptions;
      if (result_.unmasked != 0) {
        const uint16_t status = state_.status;
        state_ = before;
        state_.status = status | kSummary | kBusy;
      }
    }
    return result_;
  }

 private:
  bool leaves_c1() const {
    return work_.op == X87Op::SetControl || work_.op == X87Op::Wait || work_.op == X87Op::Move ||
           (work_.detail & X87Work::kToFlags) != 0;
  }
  Extended& st(unsigned i) { return state_.registers[(state_.top + i) & 7]; }
  uint8_t bit(unsigned i) const { return static_cast<uint8_t>(1u << ((state_.top + i) & 7)); }
  bool is_full(unsigned i) const { return (state_.full & bit(i)) != 0; }
  void fill(unsigned i, const Extended& value) {
    st(i) = value;
    state_.full |= bit(i);
  }
  void pop() {
    state_.full &= static_cast<uint8_t>(~bit(0));
    state_.top = (state_.top + 1) & 7;
  }
  void pop_all() {
    for (int i = work_.detail & X87Work::kPops; i > 0; --i) pop();
  }
  void raise(uint16_t flags) { flags_ |= flags; }
  // A register that is needed is empty.
  void underflow() {
    raise(kInvalid | kStackFault);
    state_.status &= static_cast<uint16_t>(~kC1);
  }
  void push(const Extended& value) {
    if (!is_full(7)) return push_over(value);
    raise(kInvalid | kStackFault | kC1);
    push_over(kIndefinite);
  }

  uint8_t rounding() const { return kModes[state_.control >> 10 & 3]; }
  // Of sums, products, quotients and roots: bits as SoftFloat has them, 80 for all.
  uint8_t precision() const {
    constexpr uint8_t kPrecisions[] = {32, 80, 64, 80};
    return kPrecisions[state_.control >> 8 & 3];
  }

  // What SoftFloat raised, as x87's flags.
  static uint16_t soft_flags() {
    const auto raised = softfloat_exceptionFlags;
    uint16_t flags = 0;
    if ((raised & softfloat_flag_invalid) != 0) flags |= kInvalid;
    if ((raised & softfloat_flag_infinite) != 0) flags |= kDivideByZero;
    if ((raised & softfloat_flag_overflow) != 0) flags |= kOverflow;
    if ((raised & softfloat_flag_underflow) != 0) flags |= kUnderflow;
    if ((raised & softfloat_flag_inexact) != 0) flags |= kInexact;
    return flags;
  }
  // Runs `function` under the rounding of the control word. C1 says whether an inexact result is
  // larger in magnitude than the exact one: than what rounding to zero gives.
  template <typename Function, typename Smaller>
  auto rounded(uint8_t bits, Function function, Smaller smaller) {
    extF80_roundingPrecision = bits;
    softfloat_roundingMode = rounding();
    softfloat_exceptionFlags = 0;
    const auto made = function();
    const uint16_t flags = soft_flags();
    raise(flags);
    if ((flags & kInexact) != 0 && rounding() != softfloat_round_minMag) {
      softfloat_roundingMode = softfloat_round_minMag;
      if (smaller(function(), made)) raise(kC1);
    }
    return made;
  }
  template <typename Function>
  Extended number(uint8_t bits, Function function) {
    return rounded(
        bits, [&] { return hard(function()); }, is_smaller);
  }

  // Whether an operand decides the result: then it is in `made`.
  bool special(const Extended& a, const Extended& b, Extended& made) {
    if (is_unsupported(a) || is_unsupported(b)) {
      raise(kInvalid);
      made = kIndefinite;
      return true;
    }
    if (!is_nan(a) && !is_nan(b)) return false;
    if (is_signaling(a) || is_signaling(b)) raise(kInvalid);
    if (!is_nan(a) || !is_nan(b)) {  // SoftFloat takes an infinity for a NaN of the least payload
      made = quiet(is_nan(a) ? a : b);
      return true;
    }
    softfloat_exceptionFlags = 0;
    const auto one = softfloat_propagateNaNExtF80UI(a.sign_exponent, a.significand, b.sign_exponent,
                                                    b.significand);
    made = Extended{one.v0, static_cast<uint16_t>(one.v64)};
    return true;
  }
  void denormals(const Extended& a, const Extended& b) {
    if ((flags_ & (kInvalid | kDivideByZero)) == 0 && (is_denormal(a) || is_denormal(b)))
      raise(kDenormal);
  }

  static Extended widen(uint64_t bits, unsigned size) {
    const unsigned fraction = size == 4 ? 23 : 52, exponents = size == 4 ? 8 : 11;
    const bool negative = (bits >> (8 * size - 1) & 1) != 0;
    const auto exponent = static_cast<int>(bits >> fraction & ((1u << exponents) - 1));
    const uint64_t significand = bits << (63 - fraction) & ~kInteger;
    const int top = (1 << exponents) - 1, bias = top >> 1;
    Extended to{significand | kInteger, kLargest};
    if (exponent == 0) {
      if (significand == 0) return with_sign(kZero, negative);
      const int shift = std::countl_zero(significand);
      to = {significand << shift, static_cast<uint16_t>(kBias - bias + 1 - shift)};
    } else if (exponent != top) {
      to.sign_exponent = static_cast<uint16_t>(exponent + kBias - bias);
    }
    return with_sign(to, negative);
  }
  static Extended integer(int64_t value) { return hard(i64_to_extF80(value)); }

  // Digits above 9, whose result the manuals leave undefined, count as what they are.
  static Extended from_decimal(const uint64_t (&from)[2]) {
    int64_t value = 0;
    for (int i = kDigits - 1; i >= 0; --i)
      value = 10 * value + static_cast<int64_t>(from[i / 16] >> (4 * (i % 16)) & 15);
    return with_sign(integer(value), (from[1] & kSign) != 0);
  }

  // The source, a signaling NaN as it is. `tiny`: a denormal of a shorter format, which is none
  // any more.
  Extended source(bool& tiny) {
    const uint64_t low = operand_[0];
    tiny = false;
    switch (work_.format) {
      case X87Format::Register:
        return st(work_.index);
      case X87Format::Single:
        tiny = (low & 0x7f800000) == 0 && (low & 0x7fffff) != 0;
        return widen(low & 0xffffffff, 4);
      case X87Format::Double:
        tiny = (low << 1) >> 53 == 0 && low << 12 != 0;
        return widen(low, 8);
      case X87Format::Extended:
        return {low, static_cast<uint16_t>(operand_[1])};
      case X87Format::Int16:
        return integer(static_cast<int16_t>(low));
      case X87Format::Int32:
        return integer(static_cast<int32_t>(low));
      case X87Format::Decimal:
        return from_decimal(operand_);
      default:
        return integer(static_cast<int64_t>(low));
    }
  }
  bool source_is_empty() const {
    return work_.format == X87Format::Register && !is_full(work_.index);
  }

  // Instructions that do not wait for exceptions, or are about the unit. False: another one.
  bool control() {
    switch (work_.op) {
      case X87Op::GetControl:
        result_.value[0] = state_.control;
        return true;
      case X87Op::GetStatus:
        result_.value[0] = state_.status_word();
        return true;
      case X87Op::ClearExceptions:
        state_.status &= static_cast<uint16_t>(~(kExceptions | kStackFault | kSummary | kBusy));
        return true;
      case X87Op::Initialise:
        state_.control = kControlAtStart;
        state_.status = 0;
        state_.top = 0;
        state_.full = 0;
        return true;
      case X87Op::GetPiece:
        get_piece(state_, work_.index, result_.value);
        return true;
      case X87Op::SetPiece:
        set_piece(state_, work_.index, operand_);
        return true;
      case X87Op::GetEnvironment:
        get_environment(state_, result_.value);
        return true;
      case X87Op::MaskAll:
        state_.control |= kExceptions;
        summarise(state_);
        return true;
      case X87Op::SetEnvironment:
        set_environment(state_, operand_);
        return true;
      default:
        return false;
    }
  }

  void compute() {
    switch (work_.op) {
      case X87Op::Wait:
        return;
      case X87Op::Load:
        return load();
      case X87Op::LoadConstant:
        return push(constant());
      case X87Op::Store:
        return store();
      case X87Op::Exchange:
        return exchange();
      case X87Op::Free:
        state_.full &= static_cast<uint8_t>(~bit(work_.index));
        return pop_all();
      case X87Op::Increment:
        state_.top = (state_.top + 1) & 7;
        return;
      case X87Op::Decrement:
        state_.top = (state_.top - 1) & 7;
        return;
      case X87Op::Move:
        return move();
      case X87Op::Compare:
      case X87Op::CompareQuietly:
      case X87Op::Test:
        return compare();
      case X87Op::Examine:
        return examine();
      case X87Op::SetControl:
        state_.control = static_cast<uint16_t>((operand_[0] & kControlBits) | kControlFixed);
        return summarise(state_);
      case X87Op::Add:
      case X87Op::Subtract:
      case X87Op::SubtractReversed:
      case X87Op::Multiply:
      case X87Op::Divide:
      case X87Op::DivideReversed:
        return arithmetic();
      case X87Op::Scale:
      case X87Op::Remainder:
      case X87Op::RemainderNearest:
        return with_next();
      case X87Op::Extract:
        return extract();
      case X87Op::PowerLessOne:
        return power_less_one();
      case X87Op::YLogX:
      case X87Op::YLogXPlusOne:
      case X87Op::ArcTangent:
        return of_two();
      case X87Op::Sine:
      case X87Op::Cosine:
      case X87Op::SineCosine:
      case X87Op::Tangent:
        return of_angle();
      default:
        return alone();
    }
  }

  void load() {
    bool tiny;
    if (source_is_empty()) {  // and the register that would be overwritten does not count
      underflow();
      return push_over(kIndefinite);
    }
    Extended value = source(tiny);
    if (!is_full(7) && (work_.format == X87Format::Single || work_.format == X87Format::Double)) {
      if (is_signaling(value)) {
        raise(kInvalid);
        value = quiet(value);
      }
      if (tiny) raise(kDenormal);
    }
    push(value);
  }

  // The bits that are right for 64 digits, and what rounding does with the rest.
  Extended constant() const {
    struct Constant {
      Extended below;
      bool rounds_up;
    };
    constexpr Constant kConstants[] = {{{0x8000000000000000, 0x3fff}, false},
                                       {{0xd49a784bcd1b8afe, 0x4000}, false},
                                       {{0xb8aa3b295c17f0bb, 0x3fff}, true},
                                       {{0xc90fdaa22168c234, 0x4000}, true},
                                       {{0x9a209a84fbcff798, 0x3ffd}, true},
                                       {{0xb17217f7d1cf79ab, 0x3ffe}, true},
                                       {{0, 0}, false}};
    const Constant& one = kConstants[work_.index];
    Extended value = one.below;
    const bool exact = work_.index == 0 || work_.index == 6;
    const uint8_t mode = rounding();
    if (!exact &&
        (mode == softfloat_round_max || (mode == softfloat_round_near_even && one.rounds_up)))
      ++value.significand;
    return value;
  }

  void store_integer(unsigned size) {
    const int64_t indefinite = size == 2 ? INT16_MIN : size == 4 ? INT32_MIN : INT64_MIN;
    int64_t made = indefinite;
    if (!is_full(0)) {
      underflow();
    } else if (is_unsupported(st(0))) {
      raise(kInvalid);
    } else {
      const uint16_t before = flags_;
      made = rounded(
          80, [&] { return extF80_to_i64(soft(st(0)), softfloat_roundingMode, true); },
          [](int64_t a, int64_t b) { return (a < 0 ? -a : a) < (b < 0 ? -b : b); });
      const int64_t largest = size == 8 ? INT64_MAX : ~indefinite;
      if (made < indefinite || made > largest || (flags_ & kInvalid) != 0) {
        flags_ = before | kInvalid;
        made = indefinite;
      }
    }
    result_.value[0] = static_cast<uint64_t>(made);
  }

  void store_decimal() {
    constexpr uint64_t kMost = 999'999'999'999'999'999;
    store_integer(8);
    const auto made = static_cast<int64_t>(result_.value[0]);
    uint64_t left = made < 0 ? -result_.value[0] : result_.value[0];
    if (left > kMost) {
      if (is_full(0)) flags_ = kInvalid;
      state_.status &= static_cast<uint16_t>(~kC1);
      result_.value[0] = uint64_t{0xc} << 60;
      result_.value[1] = 0xffff;
      return;
    }
    result_.value[0] = 0;
    result_.value[1] = is_negative(st(0)) ? kSign : 0;
    for (int i = 0; i < kDigits; ++i, left /= 10)
      result_.value[i / 16] |= left % 10 << (4 * (i % 16));
  }

  template <typename Convert>
  void store_number(uint64_t indefinite, uint64_t sign, Convert convert) {
    result_.value[0] = indefinite;
    if (!is_full(0)) return underflow();
    if (is_unsupported(st(0))) return raise(kInvalid);
    result_.value[0] = rounded(
        80, [&] { return static_cast<uint64_t>(convert(soft(st(0))).v); },
        [sign](uint64_t a, uint64_t b) { return (a & ~sign) < (b & ~sign); });
  }

  void store() {
    Extended value = kIndefinite;
    switch (work_.format) {
      case X87Format::Single:
        return store_number(0xffc00000, 0x80000000, extF80_to_f32);
      case X87Format::Double:
        return store_number(uint64_t{0xfff8} << 48, kInteger, extF80_to_f64);
      case X87Format::Int16:
        return store_integer(2);
      case X87Format::Int32:
        return store_integer(4);
      case X87Format::Int64:
        return store_integer(8);
      case X87Format::Decimal:
        return store_decimal();
      default:
        break;
    }
    if (is_full(0))
      value = st(0);
    else
      underflow();
    if (work_.format == X87Format::Register) {
      fill(work_.index, value);
      return pop_all();
    }
    result_.value[0] = value.significand;
    result_.value[1] = value.sign_exponent;
  }

  void exchange() {
    for (unsigned i : {0u, unsigned{work_.index}})
      if (!is_full(i)) {
        underflow();
        fill(i, kIndefinite);
      }
    std::swap(st(0), st(work_.index));
  }

  void move() {
    if (!is_full(0) || !is_full(work_.index)) {
      underflow();
      return fill(0, kIndefinite);
    }
    if (operand_[0] != 0) st(0) = st(work_.index);
  }

  void compare() {
    const bool test = work_.op == X87Op::Test;
    bool tiny = false;
    uint64_t found = kUnordered;
    if (!is_full(0) || (!test && source_is_empty())) {
      underflow();
    } else {
      const Extended a = st(0), b = test ? kZero : source(tiny);
      if (is_unsupported(a) || is_unsupported(b)) {
        raise(kInvalid);
      } else if (is_nan(a) || is_nan(b)) {
        const bool quietly = work_.op == X87Op::CompareQuietly;
        if (!quietly || is_signaling(a) || is_signaling(b)) raise(kInvalid);
      } else {
        found = extF80_eq(soft(a), soft(b)) ? kEqual : extF80_lt(soft(a), soft(b)) ? kLess : 0;
        denormals(a, b);
        if (tiny) raise(kDenormal);
      }
    }
    if ((work_.detail & X87Work::kToFlags) != 0) {
      result_.value[0] = found;
    } else {
      state_.status &= static_cast<uint16_t>(~(kC0 | kC2 | kC3));
      if (found == kUnordered)
        state_.status |= kC0 | kC2 | kC3;
      else
        state_.status |= found == kEqual ? kC3 : found == kLess ? kC0 : 0;
    }
    pop_all();
  }

  void examine() {
    const Extended& value = st(0);
    uint16_t codes = is_negative(value) ? kC1 : 0;
    if (!is_full(0))
      codes |= kC3 | kC0;
    else if (is_zero(value))
      codes |= kC3;
    else if (is_denormal(value))
      codes |= kC3 | kC2;
    else if (is_infinite(value))
      codes |= kC2 | kC0;
    else if (is_unsupported(value))
      codes |= 0;
    else
      codes |= is_nan(value) ? kC0 : kC2;
    state_.status &= static_cast<uint16_t>(~(kC0 | kC2 | kC3));
    state_.status |= codes;
  }

  void arithmetic() {
    const bool to_register = (work_.detail & X87Work::kToRegister) != 0;
    const unsigned to = to_register ? work_.index : 0;
    if (!is_full(0) || source_is_empty()) {
      underflow();
      fill(to, kIndefinite);
      return pop_all();
    }
    bool tiny = false;
    Extended a = st(to), b = to_register ? st(0) : source(tiny), made;
    const bool reversed = work_.op == X87Op::SubtractReversed || work_.op == X87Op::DivideReversed;
    if (reversed) std::swap(a, b);
    if (!special(a, b, made)) {
      made = number(precision(), [&] {
        switch (work_.op) {
          case X87Op::Add:
            return extF80_add(soft(a), soft(b));
          case X87Op::Multiply:
            return extF80_mul(soft(a), soft(b));
          case X87Op::Divide:
          case X87Op::DivideReversed:
            return extF80_div(soft(a), soft(b));
          default:
            return extF80_sub(soft(a), soft(b));
        }
      });
      denormals(a, b);
      if (tiny && (flags_ & (kInvalid | kDivideByZero)) == 0) raise(kDenormal);
    }
    fill(to, made);
    pop_all();
  }

  // Of st(0) alone.
  void alone() {
    if (!is_full(0)) {
      underflow();
      return fill(0, kIndefinite);
    }
    Extended& value = st(0);
    if (work_.op == X87Op::ChangeSign) {
      value.sign_exponent ^= kSign;
      return;
    }
    if (work_.op == X87Op::Absolute) {
      value.sign_exponent &= kLargest;
      return;
    }
    Extended made;
    if (!special(value, value, made)) {
      if (work_.op == X87Op::SquareRoot)
        made = number(precision(), [&] { return extF80_sqrt(soft(value)); });
      else
        made = number(80, [&] {
          return extF80_roundToInt(soft(value), static_cast<uint8_t>(softfloat_roundingMode), true);
        });
      denormals(value, value);
    }
    value = made;
  }

  // Of st(0) by st(1).
  void with_next() {
    if (work_.op != X87Op::Scale) state_.status &= static_cast<uint16_t>(~kC2);
    if (!is_full(0) || !is_full(1)) {
      underflow();
      return fill(0, kIndefinite);
    }
    const Extended a = st(0), b = st(1);
    Extended made;
    if (special(a, b, made)) {
      st(0) = made;
      return;
    }
    st(0) = work_.op == X87Op::Scale ? scale(a, b) : remainder(a, b);
    denormals(a, b);
  }

  Extended invalid() {
    raise(kInvalid);
    return kIndefinite;
  }

  Extended scale(const Extended& a, const Extended& b) {
    if (is_infinite(b)) {
      if (is_negative(b)) return is_infinite(a) ? invalid() : with_sign(kZero, is_negative(a));
      if (is_zero(a)) return invalid();
      return with_sign({kInteger, kLargest}, is_negative(a));
    }
    if (is_infinite(a) || is_zero(a)) return a;
    constexpr int kFar = 1 << 17;  // from the smallest to the largest, and beyond
    int by = 0;
    if (exponent(b) >= kBias + 17) {
      by = kFar;
    } else if (exponent(b) >= kBias) {
      by = static_cast<int>(b.significand >> (63 - (exponent(b) - kBias)));
    }
    if (is_negative(b)) by = -by;
    const Parts from = parts(a);
    return number(80, [&] {
      return softfloat_roundPackToExtF80(is_negative(a), from.exponent + by, from.significand, 0,
                                         80);
    });
  }

  // fprem and fprem1: as many bits of the quotient as there are, or some of them (C2).
  Extended remainder(const Extended& a, const Extended& b) {
    const auto codes = [&](uint64_t quotient, bool partial) {
      state_.status &= static_cast<uint16_t>(~(kC0 | kC1 | kC2 | kC3));
      if (partial) state_.status |= kC2;
      if ((quotient & 1) != 0) state_.status |= kC1;
      if ((quotient & 2) != 0) state_.status |= kC3;
      if ((quotient & 4) != 0) state_.status |= kC0;
    };
    if (is_infinite(a) || is_zero(b)) return invalid();
    if (is_zero(a) || is_infinite(b)) {
      codes(0, false);
      return normal(a);
    }
    const bool nearest = work_.op == X87Op::RemainderNearest;
    const Parts from = parts(a), by = parts(b);
    const int distance = from.exponent - by.exponent;
    constexpr int kAtOnce = 64;
    const int last = distance < kAtOnce ? 0 : distance - (32 + distance % 32);
    unsigned __int128 left = from.significand, divisor = by.significand;
    int at = by.exponent + last;
    uint64_t quotient = 0;
    bool negative = is_negative(a);
    if (distance < 0) {
      codes(0, false);
      if (!nearest || distance < -1) return normal(a);
      divisor <<= 1;
      at = from.exponent;
    }
    for (int i = distance; i >= last; --i) {
      quotient <<= 1;
      if (left >= divisor) {
        left -= divisor;
        quotient |= 1;
      }
      if (i != last) left <<= 1;
    }
    if (nearest && last == 0 &&
        (left << 1 > divisor || (left << 1 == divisor && (quotient & 1) != 0))) {
      left = divisor - left;
      negative = !negative;
      ++quotient;
    }
    codes(last == 0 ? quotient : 0, last != 0);
    if (left == 0) return with_sign(kZero, is_negative(a));
    return number(80, [&] {
      return softfloat_normRoundPackToExtF80(negative, at, static_cast<uint64_t>(left), 0, 80);
    });
  }

  // The exponent stays in the place of st(0), and the significand is pushed.
  void extract() {
    if (!is_full(0)) {
      underflow();
      fill(0, kIndefinite);
      return push_over(kIndefinite);
    }
    if (is_full(7)) {
      st(0) = kIndefinite;
      return push(kZero);
    }
    const Extended value = st(0);
    Extended made;
    if (special(value, value, made)) {
      st(0) = made;
      return push(made);
    }
    if (is_infinite(value)) {
      st(0) = with_sign(value, false);
      return push(value);
    }
    if (is_zero(value)) {
      raise(kDivideByZero);
      st(0) = {kInteger, 0xffff};
      return push(value);
    }
    denormals(value, value);
    const Parts of = parts(value);
    st(0) = integer(of.exponent - kBias);
    push(with_sign({of.significand, kBias}, is_negative(value)));
  }

  static Quad wide(const Extended& value) {
    const float128_t made = extF80_to_f128(soft(value));
    return {made.v[0], made.v[1]};
  }
  static float128_t narrow(const Quad& value) { return {{value.bits[0], value.bits[1]}}; }
  // Of a function whose results are never exact. Where binary128 has the same number as an
  // Extended, the exact result is just beside it: towards zero, or away from it.
  enum class Exact { Smaller, Larger };
  Extended number(Quad value, Exact exact) {
    constexpr uint64_t kBeyond = (uint64_t{1} << 49) - 1;
    const bool is_tiny = value.bits[0] == 0 && value.bits[1] << 1 == 0;
    if ((value.bits[0] & kBeyond) == 0) {
      if (exact == Exact::Smaller && !is_tiny) {
        if (value.bits[0] == 0) --value.bits[1];
        --value.bits[0];
      } else {
        value.bits[0] |= 1;
      }
    }
    return number(80, [&] { return f128_to_extF80(narrow(value)); });
  }
  // The product, of which the second one is no Extended.
  Extended product(const Extended& a, const Quad& b) {
    return number(80, [&] { return f128_to_extF80(f128_mul(extF80_to_f128(soft(a)), narrow(b))); });
  }

  // 2^st(0) - 1, for st(0) from -1 to 1; what it is beyond that is undefined.
  void power_less_one() {
    if (!is_full(0)) {
      underflow();
      return fill(0, kIndefinite);
    }
    const Extended value = st(0);
    Extended made;
    if (special(value, value, made)) {
      st(0) = made;
      return;
    }
    if (is_infinite(value))
      st(0) = is_negative(value) ? Extended{kInteger, kSign | kBias} : value;
    else if (!is_zero(value))
      st(0) = number(
          80, [&] { return f128_to_extF80(narrow(quad::power_of_two_less_one(wide(value)))); });
    denormals(value, value);
  }

  // Of st(1) and st(0), which is popped.
  void of_two() {
    if (!is_full(0) || !is_full(1)) {
      underflow();
      fill(1, kIndefinite);
      return pop();
    }
    const Extended x = st(0), y = st(1);
    Extended made;
    if (!special(x, y, made)) {
      made = work_.op == X87Op::ArcTangent ? arc_tangent(y, x) : y_log_x(y, x);
      if ((flags_ & (kInvalid | kDivideByZero)) == 0) denormals(x, y);
    }
    fill(1, made);
    pop();
  }

  Extended arc_tangent(const Extended& y, const Extended& x) {
    if (!is_negative(x) && (is_zero(y) || (is_infinite(x) && !is_infinite(y))))
      return with_sign(kZero, is_negative(y));
    return number(quad::arc_tangent(wide(y), wide(x)), Exact::Smaller);
  }

  // y · log2(x), or y · log2(x + 1).
  Extended y_log_x(const Extended& y, const Extended& x) {
    const bool plus_one = work_.op == X87Op::YLogXPlusOne;
    const Extended one{kInteger, kBias};
    const bool below = plus_one ? is_infinite(x) && is_negative(x) : is_negative(x) && !is_zero(x);
    if (below) return invalid();
    // The logarithm's sign, and whether it is zero or infinite.
    const bool is_none =
        plus_one ? is_zero(x) : !is_negative(x) && !is_smaller(x, one) && !is_smaller(one, x);
    const bool is_pole = !plus_one && is_zero(x), is_endless = is_pole || is_infinite(x);
    const bool negative = plus_one ? is_negative(x) : is_pole || is_smaller(x, one);
    const bool sign = negative != is_negative(y);
    if ((is_endless && is_zero(y)) || (is_none && is_infinite(y))) return invalid();
    if (is_endless || is_infinite(y)) {
      if (is_pole && !is_infinite(y)) raise(kDivideByZero);
      return with_sign({kInteger, kLargest}, sign);
    }
    if (is_none || is_zero(y)) return with_sign(kZero, sign);
    raise(kInexact);  // even if it is exact
    return product(y, plus_one ? quad::logarithm_to_two_of_one_more(wide(x))
                               : quad::logarithm_to_two(wide(x)));
  }

  // fsin, fcos, fsincos and fptan: below 2^63. The last two push a second result.
  void of_angle() {
    const bool pushes = work_.op == X87Op::SineCosine || work_.op == X87Op::Tangent;
    state_.status &= static_cast<uint16_t>(~kC2);
    if (!is_full(0) || (pushes && is_full(7))) {
      if (is_full(0))
        raise(kInvalid | kStackFault | kC1);
      else
        underflow();
      fill(0, kIndefinite);
      if (pushes) push_over(kIndefinite);
      return;
    }
    const Extended angle = st(0);
    Extended made;
    const bool decided = special(angle, angle, made);
    if (!decided && !is_infinite(angle) && exponent(angle) >= kBias + 63) {
      state_.status |= kC2;
      return;
    }
    if (decided || is_infinite(angle)) {
      if (!decided) made = invalid();
      st(0) = made;
      if (pushes) push(made);
      return;
    }
    const Extended one{kInteger, kBias};
    const Quad of = wide(angle);
    const auto sine = [&] { return number(quad::sine(of), Exact::Smaller); };
    const auto cosine = [&] {
      return is_zero(angle) ? one : number(quad::cosine(of), Exact::Smaller);
    };
    Extended second = one;
    if (work_.op == X87Op::SineCosine) {
      second = cosine();
      flags_ &= static_cast<uint16_t>(~kC1);  // is about the sine
    }
    if (work_.op == X87Op::Cosine)
      st(0) = cosine();
    else if (!is_zero(angle))
      st(0) = work_.op == X87Op::Tangent ? number(quad::tangent(of), Exact::Larger) : sine();
    denormals(angle, angle);
    if (pushes) push(second);
  }
  // A push that has been checked.
  void push_over(const Extended& value) {
    state_.top = (state_.top - 1) & 7;
    fill(0, value);
  }

  X87State& state_;
  const X87Work work_;
  const uint64_t operand_[2];
  X87Result result_;
  uint16_t flags_ = 0;  // raised by this instruction, C1 among them
};

}  // namespace

void initialise(X87State& state) {
  state = {};
  state.control = kControlAtStart;
}

void get_piece(const X87State& state, unsigned piece, uint64_t (&to)[2]) {
  to[0] = to[1] = 0;
  if (piece == 0) {
    to[0] = state.control | uint64_t{state.status_word()} << 16 | uint64_t{state.full} << 32;
  } else if (piece >= kX87FirstRegister) {
    const Extended& from = state.registers[(state.top + piece - kX87FirstRegister) & 7];
    to[0] = from.significand;
    to[1] = from.sign_exponent;
  }
}

void set_piece(X87State& state, unsigned piece, const uint64_t (&from)[2]) {
  if (piece == 0) {
    state.control = static_cast<uint16_t>((from[0] & kControlBits) | kControlFixed);
    state.status = static_cast<uint16_t>(from[0] >> 16 & ~kTop);
    state.top = from[0] >> (16 + kTopShift) & 7;
    state.full = static_cast<uint8_t>(from[0] >> 32);
    summarise(state);
  } else if (piece >= kX87FirstRegister) {
    state.registers[(state.top + piece - kX87FirstRegister) & 7] = {from[0],
                                                                    static_cast<uint16_t>(from[1])};
  }
}

void get_environment(const X87State& state, uint64_t (&to)[2]) {
  constexpr uint64_t kReserved = 0xffff0000;
  uint64_t tags = 0;  // of registers by their numbers: 0 valid, 1 zero, 2 others, 3 empty
  for (unsigned i = 0; i < 8; ++i) {
    const Extended& value = state.registers[i];
    const bool others = is_denormal(value) || is_unsupported(value) || exponent(value) == kLargest;
    const uint64_t tag = (state.full >> i & 1) == 0 ? 3 : is_zero(value) ? 1 : others ? 2 : 0;
    tags |= tag << 2 * i;
  }
  to[0] = kReserved | state.control | (kReserved | state.status_word()) << 32;
  to[1] = kReserved | tags;
}

void set_environment(X87State& state, const uint64_t (&from)[2]) {
  uint64_t full = 0;
  for (unsigned i = 0; i < 8; ++i) full |= uint64_t{(from[1] >> 2 * i & 3) != 3} << i;
  const uint64_t piece[2] = {(from[0] & 0xffff) | (from[0] >> 32 & 0xffff) << 16 | full << 32, 0};
  set_piece(state, 0, piece);
}

X87Result perform(X87State& state, const X87Work& work, const uint64_t (&operand)[2]) {
  return Unit(state, work, operand).run();
}

}  // namespace mtetso
