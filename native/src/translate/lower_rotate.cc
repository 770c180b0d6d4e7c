// SPDX-License-Identifier: MIT
//
// Rotates, plain and through the carry. Only CF and OF change, and none of them where the masked
// count is zero; OF is defined for a count of one only.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// Narrow values are repeated over 32 bits, which rotate as they would.
bool rotate(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &by = insn.op[1];
  if (!to.is_place() || !(by.is_immediate() || by.is_cl())) return false;
  unsigned bits = 8 * to.size;
  bool left = insn.mnemonic == ZYDIS_MNEMONIC_ROL;
  Register value = sized(reg::t1, to.size), count = sized(reg::t2, to.size);
  Register result = sized(reg::t3, to.size), other = sized(reg::t5, to.size);
  masm.Mov(value, emit.read(to, reg::t1));
  if (to.size == 1) masm.Orr(value, value, a64::Operand(value, LSL, 8));
  if (to.size <= 2) masm.Orr(value, value, a64::Operand(value, LSL, 16));
  if (by.is_immediate())
    masm.Mov(count, by.immediate & count_mask(to.size));
  else
    masm.And(count, sized(guest(1), to.size), count_mask(to.size));
  Label done;
  masm.Mov(result, value);
  masm.Cbz(count, &done);
  if (left) masm.Neg(count, count);
  masm.Ror(result, value, count);
  Register top = sized(reg::t6, to.size);
  masm.Lsr(top, result, bits - 1);
  emit.set_flags(left ? result : top, CFlag);
  // OF: left, the top bit against the carry; right, the two top bits against each other.
  masm.Eor(other, top, left ? a64::Operand(result) : a64::Operand(result, LSR, bits - 2));
  emit.set_flags(other, VFlag);
  masm.Bind(&done);
  emit.write(to, result);
  return true;
}

// Of 8 bytes, t1 by count 1 to 63 with the carry in t2: t3 is the result, t6 bit 0 the new carry.
void rotate_wide(const LoweringContext& context, bool left, const Register& count) {
  const auto& [emit, masm, insn] = context;
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, rest = reg::t5, out = reg::t6;
  masm.Neg(rest, count);  // 64 - count, modulo 64
  if (left) {
    masm.Lsr(out, value, rest);
    masm.Lsr(rest, value, rest);
    masm.Lsr(rest, rest, 1);  // by 65 - count
    masm.Lsl(result, value, 1);
    masm.Orr(result, result, carry);
  } else {
    masm.Sub(out, count, 1);
    masm.Lsr(out, value, out);
    masm.Lsl(rest, value, rest);
    masm.Lsl(rest, rest, 1);
    masm.Lsr(result, value, 1);
    masm.Orr(result, result, a64::Operand(carry, LSL, 63));
  }
  masm.Sub(carry, count, 1);
  if (left)
    masm.Lsl(result, result, carry);
  else
    masm.Lsr(result, result, carry);
  masm.Orr(result, result, rest);
}

// Of fewer: value and carry stand together in one register, which rotates as a whole.
void rotate_narrow(const LoweringContext& context, bool left, unsigned bits,
                   const Register& count) {
  const auto& [emit, masm, insn] = context;
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, rest = reg::t5, out = reg::t6;
  if (bits != 32) {
    // The count is below 32: modulo 9 or 17 by subtraction.
    for (unsigned n = bits == 8 ? 27 : 17; n > bits; n -= bits + 1) {
      masm.Sub(rest, count, n);
      masm.Lsr(out, rest, 63);
      masm.Sub(out, out, 1);
      masm.And(out, out, n);
      masm.Sub(count, count, out);
    }
  }
  masm.Bfi(value, carry, bits, 1);
  masm.Mov(rest, bits + 1);
  masm.Sub(rest, rest, count);
  if (left) {
    masm.Lsl(result, value, count);
    masm.Lsr(rest, value, rest);
  } else {
    masm.Lsr(result, value, count);
    masm.Lsl(rest, value, rest);
  }
  masm.Orr(result, result, rest);
  masm.Lsr(out, result, bits);
}

// rcl and rcr
bool rotate_through_carry(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &by = insn.op[1];
  if (!to.is_place() || !(by.is_immediate() || by.is_cl())) return false;
  const bool left = insn.mnemonic == ZYDIS_MNEMONIC_RCL;
  const unsigned bits = 8 * to.size;
  const Register value = reg::t1, carry = reg::t2, result = reg::t3, count = reg::t4;
  emit.read_wide(value, to, false);
  if (by.is_immediate())
    masm.Mov(count, by.immediate & count_mask(to.size));
  else
    masm.And(count, guest(1), count_mask(to.size));
  Label done;
  masm.Mov(result, value);
  masm.Cbz(count, &done);
  masm.Cset(carry, cs);
  if (bits == 64)
    rotate_wide(context, left, count);
  else
    rotate_narrow(context, left, bits, count);
  emit.set_flags(reg::t6, CFlag);
  // OF: left, the top bit against the carry; right, the two top bits against each other.
  masm.Lsr(reg::t5, result, bits - 1);
  masm.Eor(reg::t5, reg::t5, left ? a64::Operand(reg::t6) : a64::Operand(result, LSR, bits - 2));
  emit.set_flags(reg::t5, VFlag);
  masm.Bind(&done);
  emit.write(to, result);
  return true;
}

}  // namespace

LoweringRows rotate_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_ROL, rotate},
      {ZYDIS_MNEMONIC_ROR, rotate},
      {ZYDIS_MNEMONIC_RCL, rotate_through_carry},
      {ZYDIS_MNEMONIC_RCR, rotate_through_carry},
  };
  return rows;
}

}  // namespace mtetso
