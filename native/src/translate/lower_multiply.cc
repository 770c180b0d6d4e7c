// SPDX-License-Identifier: MIT
//
// Multiplication. CF = OF = "the result does not fit in the destination"; SF and ZF
// are undefined on x86 and are whatever is left here.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// After a comparison: CF = OF = "not equal".
void overflow_flags(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Cset(reg::t5.W(), ne);
  emit.set_flags(reg::t5, CFlag);
  emit.set_flags(reg::t5, VFlag);
}

// imul to, from / imul to, from, immediate
bool multiply_two(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  const auto& first = insn.count == 3 ? insn.op[1] : insn.op[0];
  const auto& second = insn.count == 3 ? insn.op[2] : insn.op[1];
  if (!to.is_register() || to.size < 2 || !first.is_place() || !second.is_value()) return false;
  Register a = emit.read(first, reg::t1), b = emit.read(second, reg::t2), out = reg::t3;
  if (to.size == 8) {
    masm.Smulh(reg::t4, a, b);
    masm.Mul(out, a, b);
    masm.Cmp(reg::t4, a64::Operand(out, ASR, 63));
  } else {
    if (to.size == 2) {
      masm.Sxth(reg::t1.W(), a);
      masm.Sxth(reg::t2.W(), b);
      a = reg::t1.W(), b = reg::t2.W();
    }
    masm.Smull(out, a, b);
    masm.Sbfx(reg::t4, out, 0, 8 * to.size);
    masm.Cmp(out, reg::t4);
  }
  overflow_flags(context);
  emit.write(to, out);
  return true;
}

// mul / imul from: rdx:rax = rax * from, in the operand's size
bool multiply_wide(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& from = insn.op[0];
  if (!from.is_place()) return false;
  bool is_signed = insn.mnemonic == ZYDIS_MNEMONIC_IMUL;
  unsigned bits = 8 * from.size;
  Register low = reg::t3, high = reg::t4;
  Register b = reg::t2;
  emit.read_wide(b, from, is_signed);
  if (bits == 64) {
    masm.Mul(low, x0, b);
    if (is_signed)
      masm.Smulh(high, x0, b);
    else
      masm.Umulh(high, x0, b);
    masm.Cmp(high, is_signed ? a64::Operand(low, ASR, 63) : a64::Operand(0));
    masm.Mov(x0, low);
    masm.Mov(x2, high);
  } else {
    if (is_signed)
      masm.Sbfx(reg::t1, x0, 0, bits);
    else
      masm.Ubfx(reg::t1, x0, 0, bits);
    masm.Mul(low, reg::t1, b);
    if (is_signed)
      masm.Sbfx(high, low, 0, bits);
    else
      masm.Ubfx(high, low, 0, bits);
    masm.Cmp(low, high);
    masm.Lsr(high, low, bits);
    if (from.size == 1) {
      masm.Bfi(x0, low, 0, 16);  // ax
    } else {
      emit.write_register({0, false}, from.size, low);
      emit.write_register({2, false}, from.size, high);
    }
  }
  overflow_flags(context);
  return true;
}

bool multiply(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  return insn.count == 1 ? multiply_wide(context) : multiply_two(context);
}

}  // namespace

LoweringRows multiply_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_IMUL, multiply},
      {ZYDIS_MNEMONIC_MUL, multiply},
  };
  return rows;
}

}  // namespace mtetso
