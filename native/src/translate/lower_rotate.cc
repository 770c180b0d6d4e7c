// SPDX-License-Identifier: MIT
//
// Rotates, plain and through the carry. Only CF and OF change, and none of them where the masked
// count is zero; OF is defined for a count of one only.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

// Narrow values are repeated over 32 bits, which rotate as they would.
bool Lower::rotate(const Decoded& insn) {
  const auto &to = insn.op[0], &by = insn.op[1];
  if (!is_place(to) || !(by.is_immediate() || is_cl(by))) return false;
  unsigned bits = 8 * to.size;
  bool left = insn.mnemonic == ZYDIS_MNEMONIC_ROL;
  Register value = sized(reg::t1, to.size), count = sized(reg::t2, to.size);
  Register result = sized(reg::t3, to.size), other = sized(reg::t5, to.size);
  masm_.Mov(value, emit_.read(to, reg::t1));
  if (to.size == 1) masm_.Orr(value, value, a64::Operand(value, LSL, 8));
  if (to.size <= 2) masm_.Orr(value, value, a64::Operand(value, LSL, 16));
  if (by.is_immediate())
    masm_.Mov(count, by.immediate & count_mask(to.size));
  else
    masm_.And(count, sized(guest(1), to.size), count_mask(to.size));
  Label done;
  masm_.Mov(result, value);
  masm_.Cbz(count, &done);
  if (left) masm_.Neg(count, count);
  masm_.Ror(result, value, count);
  Register top = sized(reg::t6, to.size);
  masm_.Lsr(top, result, bits - 1);
  emit_.set_flags(left ? result : top, CFlag);
  // OF: left, the top bit against the carry; right, the two top bits against each other.
  masm_.Eor(other, top, left ? a64::Operand(result) : a64::Operand(result, LSR, bits - 2));
  emit_.set_flags(other, VFlag);
  masm_.Bind(&done);
  emit_.write(to, result);
  return true;
}

// Of 8 bytes, t1 by count 1 to 63 with the carry in t2: t3 is the result, t6 bit 0 the new carry.
void Lower::rotate_wide(bool left, const Register& count) {
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, rest = reg::t5, out = reg::t6;
  masm_.Neg(rest, count);  // 64 - count, modulo 64
  if (left) {
    masm_.Lsr(out, value, rest);
    masm_.Lsr(rest, value, rest);
    masm_.Lsr(rest, rest, 1);  // by 65 - count
    masm_.Lsl(result, value, 1);
    masm_.Orr(result, result, carry);
  } else {
    masm_.Sub(out, count, 1);
    masm_.Lsr(out, value, out);
    masm_.Lsl(rest, value, rest);
    masm_.Lsl(rest, rest, 1);
    masm_.Lsr(result, value, 1);
    masm_.Orr(result, result, a64::Operand(carry, LSL, 63));
  }
  masm_.Sub(carry, count, 1);
  if (left)
    masm_.Lsl(result, result, carry);
  else
    masm_.Lsr(result, result, carry);
  masm_.Orr(result, result, rest);
}

// Of fewer: value and carry stand together in one register, which rotates as a whole.
void Lower::rotate_narrow(bool left, unsigned bits, const Register& count) {
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, rest = reg::t5, out = reg::t6;
  if (bits != 32) {
    // The count is below 32: modulo 9 or 17 by subtraction.
    for (unsigned n = bits == 8 ? 27 : 17; n > bits; n -= bits + 1) {
      masm_.Sub(rest, count, n);
      masm_.Lsr(out, rest, 63);
      masm_.Sub(out, out, 1);
      masm_.And(out, out, n);
      masm_.Sub(count, count, out);
    }
  }
  masm_.Bfi(value, carry, bits, 1);
  masm_.Mov(rest, bits + 1);
  masm_.Sub(rest, rest, count);
  if (left) {
    masm_.Lsl(result, value, count);
    masm_.Lsr(rest, value, rest);
  } else {
    masm_.Lsr(result, value, count);
    masm_.Lsl(rest, value, rest);
  }
  masm_.Orr(result, result, rest);
  masm_.Lsr(out, result, bits);
}

// rcl and rcr
bool Lower::rotate_through_carry(const Decoded& insn) {
  const auto &to = insn.op[0], &by = insn.op[1];
  if (!is_place(to) || !(by.is_immediate() || is_cl(by))) return false;
  const bool left = insn.mnemonic == ZYDIS_MNEMONIC_RCL;
  const unsigned bits = 8 * to.size;
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, count = reg::t4;
  widen(value, to, false);
  if (by.is_immediate())
    masm_.Mov(count, by.immediate & count_mask(to.size));
  else
    masm_.And(count, guest(1), count_mask(to.size));
  Label done;
  masm_.Mov(result, value);
  masm_.Cbz(count, &done);
  masm_.Cset(carry, cs);
  if (bits == 64)
    rotate_wide(left, count);
  else
    rotate_narrow(left, bits, count);
  emit_.set_flags(reg::t6, CFlag);
  // OF: left, the top bit against the carry; right, the two top bits against each other.
  masm_.Lsr(reg::t5, result, bits - 1);
  masm_.Eor(reg::t5, reg::t5, left ? a64::Operand(reg::t6) : a64::Operand(result, LSR, bits - 2));
  emit_.set_flags(reg::t5, VFlag);
  masm_.Bind(&done);
  emit_.write(to, result);
  return true;
}

}  // namespace mtetso
