// SPDX-License-Identifier: MIT
//
// float/sse.h against the processor that the test runs on, where that is an x86-64: any MXCSR whose
// exceptions are masked, each bit of the result and of the sticky flags. Elsewhere a few results
// that are known.
#include "float/sse.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace mtetso {
namespace {

Vector of(uint64_t low, uint64_t high = 0) { return {{low, high}}; }
uint64_t low(float value) { return std::bit_cast<uint32_t>(value); }

FloatResult single(FloatOp op, float a, float b, uint32_t control = mxcsr::kAtStart) {
  return perform({op, false, 1, 0}, of(low(a)), of(low(b)), control);
}

constexpr float kSmallest = 0x1p-126F;

TEST_CASE("what x86 does and others do not") {
  const auto nan = std::bit_cast<float>(0x7fc00001U), signaling = std::bit_cast<float>(0x7f800002U);
  CHECK(single(FloatOp::Divide, 0, 0).value.half[0] == 0xffc00000);
  CHECK(single(FloatOp::Add, nan, signaling).value.half[0] == 0x7fc00001);
  CHECK(single(FloatOp::Add, signaling, nan).value.half[0] == 0x7fc00002);
  CHECK(single(FloatOp::Minimum, 0.0F, -0.0F).value.half[0] == 0x80000000);
  CHECK(single(FloatOp::Minimum, nan, 1).value.half[0] == low(1.0F));
  // Rounded up to the smallest normal number: not tiny if it is more than all but the last bit.
  const FloatResult tiny = single(FloatOp::Multiply, kSmallest, 0x1.fffffep-1F);
  CHECK(tiny.value.half[0] == low(kSmallest));
  CHECK(tiny.flags == (mxcsr::kInexact | mxcsr::kUnderflow));
  const FloatResult smaller =
      single(FloatOp::Multiply, kSmallest, 0x1p-1F, mxcsr::kAtStart | mxcsr::kFlushToZero);
  CHECK(smaller.value.half[0] == 0);
  CHECK(smaller.flags == (mxcsr::kInexact | mxcsr::kUnderflow));
}

TEST_CASE("an exception that is not masked") {
  const uint32_t control = mxcsr::kAtStart & ~(mxcsr::kDivideByZero << 7);
  CHECK(single(FloatOp::Divide, 1, 0, control).unmasked == mxcsr::kDivideByZero);
  CHECK(single(FloatOp::Divide, 1, 3, control).unmasked == 0);
  // Of a vector, one element's exception of operands is all that there is.
  const Vector a = of(low(1.0F) | low(1.0F) << 32), b = of(low(3.0F) << 32);
  const FloatResult both = perform({FloatOp::Divide, false, 2, 0}, a, b, control);
  CHECK(both.flags == mxcsr::kDivideByZero);
}

TEST_CASE("approximations are within x86's bound") {
  std::mt19937 draw(1);
  for (int i = 0; i < 100000; ++i) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(draw()) & 0x7fffffff);
    if (!(x > 0x1p-120F && x < 0x1p120F)) continue;
    const auto made = static_cast<uint32_t>(single(FloatOp::Reciprocal, 0, x).value.half[0]);
    const auto root = static_cast<uint32_t>(single(FloatOp::ReciprocalRoot, 0, x).value.half[0]);
    const double error = static_cast<double>(std::bit_cast<float>(made)) * x - 1;
    const double other = static_cast<double>(std::bit_cast<float>(root));
    CHECK(std::abs(error) < 1.5 / 4096);
    CHECK(std::abs(other * other * x - 1) < 3.0 / 4096);
  }
}

#ifdef __x86_64__

using Instruction = void (*)(const Vector& a, const Vector& b, Vector& to);

// xmm0 is the first operand and the result, xmm1 the second one.
#define INSTRUCTION(text)                                                                  \
  [](const Vector& a, const Vector& b, Vector& to) {                                       \
    asm volatile("movups %1, %%xmm0\n\tmovups %2, %%xmm1\n\t" text "\n\tmovups %%xmm0, %0" \
                 : "=m"(to)                                                                \
                 : "m"(a), "m"(b)                                                          \
                 : "xmm0", "xmm1", "rax");                                                 \
  }
#define TO_GENERAL(text) INSTRUCTION("xorps %%xmm0, %%xmm0\n\t" text "\n\tmovq %%rax, %%xmm0")

struct Row {
  FloatWork work;
  Instruction instruction;
};

#define BOTH(op, name)                                                   \
  {{FloatOp::op, false, 4, 0}, INSTRUCTION(name "ps %%xmm1, %%xmm0")}, { \
    {FloatOp::op, true, 2, 0}, INSTRUCTION(name "pd %%xmm1, %%xmm0")     \
  }
#define COMPARE(predicate)                                                                         \
  {{FloatOp::Compare, false, 4, predicate}, INSTRUCTION("cmpps $" #predicate ", %%xmm1, %%xmm0")}, \
  {                                                                                                \
    {FloatOp::Compare, true, 2, predicate}, INSTRUCTION("cmppd $" #predicate ", %%xmm1, %%xmm0")   \
  }

const Row kRows[] = {
    BOTH(Add, "add"),
    BOTH(Subtract, "sub"),
    BOTH(Multiply, "mul"),
    BOTH(Divide, "div"),
    BOTH(Minimum, "min"),
    BOTH(Maximum, "max"),
    BOTH(SquareRoot, "sqrt"),
    COMPARE(0),
    COMPARE(1),
    COMPARE(2),
    COMPARE(3),
    COMPARE(4),
    COMPARE(5),
    COMPARE(6),
    COMPARE(7),
    {{FloatOp::Widen, false, 2, 0}, INSTRUCTION("cvtps2pd %%xmm1, %%xmm0")},
    {{FloatOp::Narrow, true, 2, 0}, INSTRUCTION("cvtpd2ps %%xmm1, %%xmm0")},
    {{FloatOp::ToInteger, false, 4, 4}, INSTRUCTION("cvtps2dq %%xmm1, %%xmm0")},
    {{FloatOp::ToInteger, true, 2, 4}, INSTRUCTION("cvtpd2dq %%xmm1, %%xmm0")},
    {{FloatOp::Truncate, false, 4, 4}, INSTRUCTION("cvttps2dq %%xmm1, %%xmm0")},
    {{FloatOp::Truncate, true, 2, 4}, INSTRUCTION("cvttpd2dq %%xmm1, %%xmm0")},
    {{FloatOp::FromInteger, false, 4, 4}, INSTRUCTION("cvtdq2ps %%xmm1, %%xmm0")},
    {{FloatOp::FromInteger, true, 2, 4}, INSTRUCTION("cvtdq2pd %%xmm1, %%xmm0")},
    {{FloatOp::ToInteger, false, 1, 8}, TO_GENERAL("cvtss2si %%xmm1, %%rax")},
    {{FloatOp::ToInteger, true, 1, 8}, TO_GENERAL("cvtsd2si %%xmm1, %%rax")},
    {{FloatOp::Truncate, false, 1, 8}, TO_GENERAL("cvttss2si %%xmm1, %%rax")},
    {{FloatOp::Truncate, true, 1, 8}, TO_GENERAL("cvttsd2si %%xmm1, %%rax")},
    {{FloatOp::FromInteger, false, 1, 8},
     INSTRUCTION("xorps %%xmm0, %%xmm0\n\tmovq %%xmm1, %%rax\n\tcvtsi2ssq %%rax, %%xmm0")},
    {{FloatOp::FromInteger, true, 1, 8},
     INSTRUCTION("xorps %%xmm0, %%xmm0\n\tmovq %%xmm1, %%rax\n\tcvtsi2sdq %%rax, %%xmm0")},
};

// Numbers near which something changes: all exponents at the ends and some in between, few or all
// bits of the fraction.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : draw_(seed) {}

  uint32_t below(uint32_t end) { return static_cast<uint32_t>(draw_() % end); }

  Vector vector(bool is_double) {
    if (below(8) == 0) return of(draw_(), draw_());
    Vector made{};
    for (uint64_t& half : made.half)
      half = is_double ? number(11, 52) : number(8, 23) | number(8, 23) << 32;
    return made;
  }

 private:
  uint64_t number(unsigned exponent_bits, unsigned fraction_bits) {
    const uint64_t most = (uint64_t{1} << exponent_bits) - 1, middle = most / 2;
    const uint64_t exponents[] = {0,
                                  0,
                                  1,
                                  2,
                                  middle / 2,
                                  middle / 2 + 1,
                                  middle - fraction_bits,
                                  middle - 1,
                                  middle,
                                  middle + 1,
                                  middle + 31,
                                  middle + 30,
                                  middle + 63,
                                  middle + 62,
                                  most - 1,
                                  most,
                                  most,
                                  draw_() & most};
    const uint64_t all = (uint64_t{1} << fraction_bits) - 1;
    const uint64_t fractions[] = {0,
                                  0,
                                  1,
                                  all,
                                  all - 1,
                                  all ^ 1,
                                  (all + 1) / 2,
                                  (all + 1) / 2 + 1,
                                  draw_() & all,
                                  draw_() & all};
    return ((draw_() & 1) << exponent_bits | exponents[below(std::size(exponents))])
               << fraction_bits |
           fractions[below(std::size(fractions))];
  }

  std::mt19937_64 draw_;
};

uint32_t read_mxcsr() {
  uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return value;
}

void write_mxcsr(uint32_t value) { asm volatile("ldmxcsr %0" ::"m"(value)); }

TEST_CASE("every operation is the processor's") {
  const uint32_t own = read_mxcsr();
  Numbers draw(1);
  for (const Row& row : kRows) {
    for (int i = 0; i < 20000; ++i) {
      const Vector a = draw.vector(row.work.is_double), b = draw.vector(row.work.is_double);
      uint32_t control = mxcsr::kAtStart | draw.below(4) << 13;
      if (draw.below(2) == 0) control |= draw.below(2) << 6 | draw.below(2) << 15;
      Vector wanted{};
      write_mxcsr(control);
      row.instruction(a, b, wanted);
      const uint32_t flags = read_mxcsr() & mxcsr::kFlags;
      write_mxcsr(own);
      const FloatResult got = perform(row.work, a, b, control);
      const bool same = got.value.half[0] == wanted.half[0] &&
                        got.value.half[1] == wanted.half[1] && got.flags == flags;
      if (same) continue;
      CAPTURE(row.work.word());
      CAPTURE(a.half[0]);
      CAPTURE(a.half[1]);
      CAPTURE(b.half[0]);
      CAPTURE(b.half[1]);
      CAPTURE(control);
      CHECK(got.value.half[0] == wanted.half[0]);
      CHECK(got.value.half[1] == wanted.half[1]);
      REQUIRE(got.flags == flags);
    }
  }
}

#endif

}  // namespace
}  // namespace mtetso
