// SPDX-License-Identifier: MIT
//
// x87's transcendental functions against the processor that the test runs on, where that is an
// x86-64: within one unit in the last place, which is what processors promise. Elsewhere a few
// results that are known.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <random>

#include "float/x87.h"

namespace mtetso {
namespace {

constexpr uint64_t kOne = uint64_t{1} << 63;

struct Two {
  Extended first, second;
};

// `op` of st(0) = x and st(1) = y; what is in both registers then.
Two done(X87Op op, const Extended& x, const Extended& y) {
  X87State state;
  initialise(state);
  for (const Extended& each : {y, x}) {
    const uint64_t operand[2] = {each.significand, each.sign_exponent};
    perform(state, {X87Op::Load, X87Format::Extended, 0, 0}, operand);
  }
  const uint64_t none[2] = {};
  CHECK(perform(state, {op, X87Format::Register, 0, 0}, none).unmasked == 0);
  return {state.registers[state.top], state.registers[(state.top + 1) & 7]};
}

bool is_same(const Extended& a, const Extended& b) {
  return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
}

TEST_CASE("results that are known") {
  const Extended one{kOne, 0x3fff}, two{kOne, 0x4000}, none{0, 0}, infinite{kOne, 0x7fff};
  CHECK(is_same(done(X87Op::PowerLessOne, one, none).first, one));
  CHECK(is_same(done(X87Op::YLogX, two, two).first, two));
  CHECK(is_same(done(X87Op::YLogXPlusOne, one, two).first, two));
  CHECK(is_same(done(X87Op::ArcTangent, one, one).first, {0xc90fdaa22168c235, 0x3ffe}));
  CHECK(is_same(done(X87Op::ArcTangent, infinite, one).first, none));
  CHECK(is_same(done(X87Op::Sine, none, one).first, none));
  CHECK(is_same(done(X87Op::SineCosine, none, one).first, one));
  // log2(0), and that of a negative number: an infinity, and the indefinite.
  CHECK(is_same(done(X87Op::YLogX, none, one).first, {kOne, 0xffff}));
  CHECK(done(X87Op::YLogX, {kOne, 0xbfff}, one).first.significand == (kOne | kOne >> 1));
}

TEST_CASE("a tiny angle is not its own sine") {
  X87State state;
  initialise(state);
  const uint64_t control[2] = {0xf7f, 0}, angle[2] = {kOne, 0x3f00};  // rounds to zero
  perform(state, {X87Op::SetControl, X87Format::Int16, 0, 0}, control);
  perform(state, {X87Op::Load, X87Format::Extended, 0, 0}, angle);
  perform(state, {X87Op::Sine, X87Format::Register, 0, 0}, control);
  CHECK(is_same(state.registers[state.top], {~uint64_t{0}, 0x3eff}));
  CHECK((state.status & x87::kInexact) != 0);
}

#if defined(__x86_64__)

template <typename Instruction>
Two natively(Instruction instruction, const Extended& x, const Extended& y) {
  struct alignas(16) Memory {
    Extended value;
  } a{x}, b{y}, first{}, second{};
  asm volatile("fninit; fldt %0; fldt %1" : : "m"(b), "m"(a));
  instruction();
  asm volatile("fstpt %0; fstpt %1; fninit" : "=m"(first), "=m"(second));
  return {first.value, second.value};
}

bool is_near(const Extended& a, const Extended& b) {
  if (a.sign_exponent != b.sign_exponent) return a.significand << 1 == 0 || b.significand << 1 == 0;
  const auto distance = static_cast<int64_t>(a.significand - b.significand);
  return std::llabs(distance) <= 1;
}

template <typename Instruction>
void compare(X87Op op, int largest, Instruction instruction) {
  std::mt19937_64 draw(static_cast<uint64_t>(op));
  for (int i = 0; i < 20000; ++i) {
    const auto number = [&](int below) {
      const auto exponent = static_cast<uint16_t>(below - static_cast<int>(draw() % 60));
      return Extended{draw() | kOne, static_cast<uint16_t>(exponent | (draw() & 0x8000))};
    };
    Extended x = number(largest);
    const Extended y = number(0x4010);
    if (op == X87Op::YLogX) x.sign_exponent &= 0x7fff;
    const Two ours = done(op, x, y), theirs = natively(instruction, x, y);
    INFO("st(0) " << x.significand << ' ' << x.sign_exponent << ", st(1) " << y.significand << ' '
                  << y.sign_exponent);
    CHECK(is_near(ours.first, theirs.first));
    if (op == X87Op::SineCosine || op == X87Op::Tangent) CHECK(is_near(ours.second, theirs.second));
  }
}

TEST_CASE("within a unit in the last place of the processor's") {
  compare(X87Op::PowerLessOne, 0x3ffe, [] { asm volatile("f2xm1"); });
  compare(X87Op::YLogX, 0x4020, [] { asm volatile("fyl2x"); });
  compare(X87Op::YLogXPlusOne, 0x3ffc, [] { asm volatile("fyl2xp1"); });
  compare(X87Op::ArcTangent, 0x4020, [] { asm volatile("fpatan"); });
  compare(X87Op::Sine, 0x3ffd, [] { asm volatile("fsin"); });
  compare(X87Op::Cosine, 0x3ffd, [] { asm volatile("fcos"); });
  compare(X87Op::SineCosine, 0x3ffd, [] { asm volatile("fsincos"); });
  compare(X87Op::Tangent, 0x3ffd, [] { asm volatile("fptan"); });
}

#endif

}  // namespace
}  // namespace mtetso
