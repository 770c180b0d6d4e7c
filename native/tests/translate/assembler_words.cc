// SPDX-License-Identifier: MIT
//
// The words that translate/assembler.h encodes itself are those that VIXL makes, and where a word
// is not what VIXL emits next, its branches still reach. Ends with 0 where everything is as it
// should be; prints what is not.
#include "translate/assembler.h"

#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

namespace mtetso {
namespace {

namespace a64 = vixl::aarch64;
using a64::Register;

int g_failures = 0;

std::vector<uint32_t> words_of(a64::MacroAssembler& masm) {
  masm.FinalizeCode();
  std::vector<uint32_t> words(masm.GetSizeOfCodeGenerated() / sizeof(uint32_t));
  std::memcpy(words.data(), masm.GetBuffer()->GetStartAddress<const void*>(), 4 * words.size());
  return words;
}

void compare(const char* what, Assembler& ours, a64::MacroAssembler& theirs) {
  const auto mine = words_of(ours), vixl = words_of(theirs);
  if (mine == vixl && !mine.empty()) return;
  ++g_failures;
  for (size_t i = 0; i < std::max(mine.size(), vixl.size()); ++i)
    if (i >= mine.size() || i >= vixl.size() || mine[i] != vixl[i]) {
      std::fprintf(stderr, "%s: word %zu of %zu and %zu: %08x, VIXL's %08x\n", what, i, mine.size(),
                   vixl.size(), i < mine.size() ? mine[i] : 0, i < vixl.size() ? vixl[i] : 0);
      return;
    }
}

// The same calls to both.
#define SAME(name, ...)                      \
  do {                                       \
    Assembler ours;                          \
    a64::MacroAssembler theirs;              \
    [&](auto& masm) { __VA_ARGS__ }(ours);   \
    [&](auto& masm) { __VA_ARGS__ }(theirs); \
    compare(name, ours, theirs);             \
  } while (false)

const std::vector<Register>& registers() {
  static const std::vector<Register> the{a64::x0,  a64::x1,  a64::x4,  a64::x15, a64::x16,
                                         a64::x27, a64::x30, a64::xzr, a64::w0,  a64::w1,
                                         a64::w4,  a64::w15, a64::w16, a64::w30, a64::wzr};
  return the;
}

bool alike(const Register& a, const Register& b) { return a.GetSizeInBits() == b.GetSizeInBits(); }

void for_three(const std::function<void(Register, Register, Register)>& each) {
  for (const Register& a : registers())
    for (const Register& b : registers())
      for (const Register& c : registers())
        if (alike(a, b) && alike(a, c)) each(a, b, c);
}

void of_registers() {
#define THREE(name) SAME(#name, for_three([&](auto a, auto b, auto c) { masm.name(a, b, c); });)
  THREE(Add);
  THREE(Sub);
  THREE(Adds);
  THREE(Subs);
  THREE(And);
  THREE(Orr);
  THREE(Eor);
#undef THREE
  SAME("Tst", for_three([&](auto, auto b, auto c) { masm.Tst(b, c); }););
  SAME("Mov", for_three([&](auto a, auto b, auto) { masm.Mov(a, b); }););
  SAME("Mov of sp", masm.Mov(a64::x0, a64::sp); masm.Mov(a64::sp, a64::x3););
  SAME("Br", for (const Register& r : registers()) if (r.Is64Bits() && !r.IsZero()) masm.Br(r););
  SAME("Cfinv", masm.Cfinv(););
}

void of_immediates() {
  const uint64_t few[] = {0, 1, 8, 4095, 4096, 0x12345, ~uint64_t{0}, ~uint64_t{0} - 15};
#define WITH(name)                                                 \
  SAME(#name " of a number", for_three([&](auto a, auto b, auto) { \
         if (!a.IsZero() && !b.IsZero())                           \
           for (uint64_t n : few) masm.name(a, b, n);              \
       });)
  WITH(Add);
  WITH(Sub);
  WITH(Adds);
  WITH(Subs);
#undef WITH
  SAME("Add to sp", masm.Add(a64::sp, a64::sp, 16); masm.Sub(a64::sp, a64::sp, 16););
  SAME("Add of -1", masm.Add(a64::x0, a64::x1, -1); masm.Sub(a64::w0, a64::w1, 8u););
}

// Every kind of value: parts that are zeros, ones or neither, runs of ones, repeated patterns.
void of_values() {
  std::vector<uint64_t> values;
  for (uint64_t a : {0x0u, 0x1u, 0xffffu, 0x8000u, 0x1234u, 0x00ffu})
    for (uint64_t b : {0x0u, 0xffffu, 0x5678u, 0x00ffu})
      for (uint64_t c : {0x0u, 0xffffu, 0x1234u, 0x7fffu})
        for (uint64_t d : {0x0u, 0xffffu, 0x00ffu, 0x5678u})
          values.push_back(a | b << 16 | c << 32 | d << 48);
  for (unsigned length = 1; length < 64; ++length)
    for (unsigned by = 0; by < 64; ++by)
      values.push_back(std::rotl((uint64_t{1} << length) - 1, static_cast<int>(by)));
  for (uint64_t one : {0x5555'5555'5555'5555u, 0x0f0f'0f0f'0f0f'0f0fu, 0x00ff'00ff'00ff'00ffu,
                       0x0000'ffff'0000'ffffu, 0x7fff'f7a1'2345u, 0x5555'5555'4321u})
    values.push_back(one);
  SAME("Mov of a number", for (uint64_t value : values) masm.Mov(a64::x3, value););
  SAME("Mov of a number, W", for (uint64_t value
                                  : values) masm.Mov(a64::w3, value & 0xffff'ffffu););
  SAME("Mov of an int", masm.Mov(a64::x3, 0); masm.Mov(a64::x3, -1); masm.Mov(a64::w3, 7u););
}

void of_bits() {
  SAME("shifts", for_three([&](auto a, auto b, auto c) {
         for (int by = 0; by < a.GetSizeInBits(); ++by) masm.Lsl(a, b, by), masm.Lsr(a, b, by);
         masm.Lsl(a, b, c);
         masm.Lsr(a, b, c);
       }););
  SAME("extracts", for_three([&](auto a, auto b, auto) {
         const auto bits = static_cast<unsigned>(a.GetSizeInBits());
         for (unsigned low = 0; low < bits; low += 5)
           for (unsigned width = 1; low + width <= bits; width += 3) {
             masm.Ubfx(a, b, low, width);
             masm.Sbfx(a, b, low, width);
             masm.Bfi(a, b, low, width);
           }
       }););
}

void of_memory() {
  Assembler ours;
  a64::MacroAssembler theirs;
  for (uint32_t at : {0u, 8u, 2048u, 8u * 4095u}) {
    ours.load(a64::x17, a64::x28, at);
    theirs.Ldr(a64::x17, a64::MemOperand(a64::x28, at));
    ours.store(a64::x17, a64::x28, at);
    theirs.Str(a64::x17, a64::MemOperand(a64::x28, at));
  }
  for (uint32_t at : {0u, 4u, 4u * 4095u}) {
    ours.load(a64::w17, a64::x28, at);
    theirs.Ldr(a64::w17, a64::MemOperand(a64::x28, at));
    ours.store(a64::w17, a64::x28, at);
    theirs.Str(a64::w17, a64::MemOperand(a64::x28, at));
  }
  for (uint32_t at : {0u, 5u, 4095u}) {
    ours.store_byte(a64::w17, a64::x28, at);
    theirs.Strb(a64::w17, a64::MemOperand(a64::x28, at));
  }
  for (unsigned shift : {0u, 1u, 3u}) {
    ours.add_shifted(a64::x16, a64::x3, a64::x1, shift);
    theirs.Add(a64::x16, a64::x3, a64::Operand(a64::x1, a64::LSL, shift));
  }
  compare("memory", ours, theirs);
}

// A branch of VIXL's that is short, and more words than it reaches: a veneer is in between.
void far_branch() {
  constexpr uint32_t kNop = 0xd503201f, kWords = 3 << 13;
  Assembler masm;
  a64::Label far;
  masm.Tbnz(a64::x0, 3, &far);
  for (uint32_t i = 0; i < kWords; ++i) masm.word(kNop);
  masm.Bind(&far);
  const auto words = words_of(masm);
  const auto veneer = (words[0] >> 5 & 0x3fff);
  const bool reaches = veneer < words.size() && words[veneer] >> 26 == 5 &&
                       veneer + (words[veneer] & 0x3ffffff) == words.size();
  if (reaches) return;
  ++g_failures;
  std::fprintf(stderr, "a branch goes %u words, not to a veneer\n", veneer);
}

}  // namespace
}  // namespace mtetso

int main() {
  mtetso::of_registers();
  mtetso::of_immediates();
  mtetso::of_values();
  mtetso::of_bits();
  mtetso::of_memory();
  mtetso::far_branch();
  return mtetso::g_failures == 0 ? 0 : 1;
}
