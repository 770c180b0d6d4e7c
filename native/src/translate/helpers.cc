// SPDX-License-Identifier: MIT

#include "translate/helpers.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const Register kBack = reg::t6;

struct CpuIdLeaf {
  uint32_t leaf;
  uint32_t eax, ebx, ecx, edx;
};

constexpr uint32_t text(const char (&four)[5]) {
  return static_cast<uint32_t>(four[0]) | static_cast<uint32_t>(four[1]) << 8 |
         static_cast<uint32_t>(four[2]) << 16 | static_cast<uint32_t>(four[3]) << 24;
}

// SDM volume 2, CPUID; AMD manual volume 3, appendix E. The vendor and the family are those of the
// first x86-64 processors: glibc reads leaf 1 only of vendors that it knows, and refuses to run on
// what is no x86-64-v1. Leaf 1: ecx CMPXCHG16B, MOVBE, POPCNT; edx FPU, TSC, CX8, CMOV, CLFSH
// (lines of 64 bytes, in ebx), MMX, FXSR, SSE, SSE2. Leaf 0x80000001: ecx LAHF and SAHF, LZCNT; edx
// long mode. FPU and MMX are there because every x86-64 processor has them, and programs do not
// ask. Leaves 0x80000005 and 0x80000006: caches of 32 KiB, 512 KiB and 8 MiB, by which C libraries
// choose how they copy.
constexpr CpuIdLeaf kLeaves[] = {
    {0, 1, text("Auth"), text("cAMD"), text("enti")},  // "AuthenticAMD" in ebx, edx, ecx
    {1, 0xf4a, 8u << 8, 1u << 13 | 1u << 22 | 1u << 23,
     1u << 0 | 1u << 4 | 1u << 8 | 1u << 15 | 1u << 19 | 1u << 23 | 1u << 24 | 1u << 25 | 1u << 26},
    {0x80000000, 0x80000006, 0, 0, 0},
    {0x80000001, 0, 0, 1u << 0 | 1u << 5, 1u << 29},
    {0x80000005, 0, 0, 32u << 24 | 8u << 16 | 1u << 8 | 64, 0},
    {0x80000006, 0, 0, 512u << 16 | 6u << 12 | 1u << 8 | 64, 16u << 18 | 6u << 12 | 1u << 8 | 64},
};

// t3:t4 = x0 and x2 as 128 bits below t1, which is larger than the high half: shift and subtract,
// a bit of the quotient at a time. `high` becomes the remainder and `low` the quotient.
void divide_bits(MacroAssembler& masm, const Register& high, const Register& low,
                 const Register& divisor) {
  const Register count = reg::t2, out = reg::t5;
  Label again, fits, next;
  masm.Mov(count, 64);
  masm.Bind(&again);
  masm.Lsr(out, high, 63);  // the bit that leaves makes it larger than any divisor
  masm.Extr(high, high, low, 63);
  masm.Lsl(low, low, 1);
  masm.Cbnz(out, &fits);
  masm.Cmp(high, divisor);
  masm.B(&next, lo);
  masm.Bind(&fits);
  masm.Sub(high, high, divisor);
  masm.Add(low, low, 1);
  masm.Bind(&next);
  masm.Sub(count, count, 1);
  masm.Cbnz(count, &again);
}

// high:low := -high:low
void negate_pair(MacroAssembler& masm, const Register& high, const Register& low) {
  masm.Negs(low, low);
  masm.Ngc(high, high);
}

}  // namespace

void emit_divide(MacroAssembler& masm, bool is_signed, Label* fault) {
  const Register divisor = reg::t1, low = reg::t3, high = reg::t4, size = reg::address;
  masm.Mov(low, x0);
  masm.Mov(high, x2);
  masm.Mov(size, divisor);
  if (is_signed) {
    Label positive, ready;
    masm.Cmp(divisor, 0);
    masm.Cneg(size, divisor, lt);
    masm.Tbz(high, 63, &positive);
    negate_pair(masm, high, low);
    masm.Bind(&positive);
  }
  masm.Cmp(high, size);
  masm.B(fault, hs);  // also a divisor of 0
  divide_bits(masm, high, low, size);
  if (is_signed) {
    // The quotient is below 2^63, or 2^63 where it is negative; the remainder has the dividend's
    // sign.
    Label positive, done;
    masm.Eor(reg::t5, x2, divisor);
    masm.Tbz(reg::t5, 63, &positive);
    masm.Neg(low, low);
    masm.Cbz(low, &done);
    masm.Tbz(low, 63, fault);
    masm.B(&done);
    masm.Bind(&positive);
    masm.Tbnz(low, 63, fault);
    masm.Bind(&done);
    masm.Cmp(x2, 0);
    masm.Cneg(high, high, lt);
  }
  masm.Br(kBack);
}

void emit_cpuid(MacroAssembler& masm) {
  const Register leaf = reg::t1.W(), differs = reg::t2.W();
  masm.Mov(leaf, w0);
  for (unsigned out : {0u, 3u, 1u, 2u}) masm.Mov(guest(out), 0);
  for (const auto& known : kLeaves) {
    Label next;
    masm.Mov(differs, known.leaf);
    masm.Eor(differs, differs, leaf);
    masm.Cbnz(differs, &next);
    masm.Mov(w0, known.eax);
    masm.Mov(w3, known.ebx);
    masm.Mov(w1, known.ecx);
    masm.Mov(w2, known.edx);
    masm.Br(kBack);
    masm.Bind(&next);
  }
  masm.Br(kBack);
}

}  // namespace mtetso
