// SPDX-License-Identifier: MIT
//
// Multiplication. CF = OF = "the result does not fit in the destination"; SF and ZF
// are undefined on x86 and are whatever is left here.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

// After a comparison: CF = OF = "not equal".
void Lower::overflow_flags() {
  masm_.Cset(reg::t5.W(), ne);
  emit_.set_flags(reg::t5, CFlag);
  emit_.set_flags(reg::t5, VFlag);
}

bool Lower::multiply(const Decoded& insn) {
  return insn.count == 1 ? multiply_wide(insn) : multiply_two(insn);
}

// imul to, from / imul to, from, immediate
bool Lower::multiply_two(const Decoded& insn) {
  const auto& to = insn.op[0];
  const auto& first = insn.count == 3 ? insn.op[1] : insn.op[0];
  const auto& second = insn.count == 3 ? insn.op[2] : insn.op[1];
  if (!to.is_register() || to.size < 2 || !is_place(first) || !is_value(second)) return false;
  Register a = emit_.read(first, reg::t1), b = emit_.read(second, reg::t2), out = reg::t3;
  if (to.size == 8) {
    masm_.Smulh(reg::t4, a, b);
    masm_.Mul(out, a, b);
    masm_.Cmp(reg::t4, a64::Operand(out, ASR, 63));
  } else {
    if (to.size == 2) {
      masm_.Sxth(reg::t1.W(), a);
      masm_.Sxth(reg::t2.W(), b);
      a = reg::t1.W(), b = reg::t2.W();
    }
    masm_.Smull(out, a, b);
    masm_.Sbfx(reg::t4, out, 0, 8 * to.size);
    masm_.Cmp(out, reg::t4);
  }
  overflow_flags();
  emit_.write(to, out);
  return true;
}

// mul / imul from: rdx:rax = rax * from, in the operand's size
bool Lower::multiply_wide(const Decoded& insn) {
  const auto& from = insn.op[0];
  if (!is_place(from)) return false;
  bool is_signed = insn.mnemonic == ZYDIS_MNEMONIC_IMUL;
  unsigned bits = 8 * from.size;
  Register low = reg::t3, high = reg::t4;
  Register b = reg::t2;
  widen(b, from, is_signed);
  if (bits == 64) {
    masm_.Mul(low, x0, b);
    if (is_signed)
      masm_.Smulh(high, x0, b);
    else
      masm_.Umulh(high, x0, b);
    masm_.Cmp(high, is_signed ? a64::Operand(low, ASR, 63) : a64::Operand(0));
    masm_.Mov(x0, low);
    masm_.Mov(x2, high);
  } else {
    if (is_signed)
      masm_.Sbfx(reg::t1, x0, 0, bits);
    else
      masm_.Ubfx(reg::t1, x0, 0, bits);
    masm_.Mul(low, reg::t1, b);
    if (is_signed)
      masm_.Sbfx(high, low, 0, bits);
    else
      masm_.Ubfx(high, low, 0, bits);
    masm_.Cmp(low, high);
    masm_.Lsr(high, low, bits);
    if (from.size == 1) {
      masm_.Bfi(x0, low, 0, 16);  // ax
    } else {
      emit_.write_register({0, false}, from.size, low);
      emit_.write_register({2, false}, from.size, high);
    }
  }
  overflow_flags();
  return true;
}

}  // namespace mtetso
