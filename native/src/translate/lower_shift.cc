// SPDX-License-Identifier: MIT
//
// Shifts of one register and of two. A count of zero changes no flag. OF is defined for a count of
// one only: for other counts it is whatever results.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

void shift_flags(const LoweringContext& context, const Register& result, const Register& original,
                 const Register& carry, ZydisMnemonic kind, unsigned size) {
  const auto& [emit, masm, insn] = context;
  unsigned top = 8 * size - 1;
  logic_flags(context, sized(result, size), size);
  emit.set_flags(carry, CFlag);
  if (insn.parity_lives()) emit.set_parity(result);
  if (kind == ZYDIS_MNEMONIC_SAR) return;  // OF = 0, as the logic flags left it
  if (kind == ZYDIS_MNEMONIC_SHR) {
    masm.Lsr(reg::t5, original, top);
  } else {
    masm.Lsr(reg::t5, result, top);
    masm.Eor(reg::t5, reg::t5, carry);
  }
  emit.set_flags(reg::t5, VFlag);
}

bool shift_by_constant(const LoweringContext& context, unsigned count) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  unsigned bits = 8 * to.size;
  Register value = reg::t1, result = reg::t3, carry = reg::t6;
  emit.read_wide(value, to, insn.mnemonic == ZYDIS_MNEMONIC_SAR);
  if (count == 0) {
    emit.write(to, value);
    return true;
  }
  if (insn.mnemonic == ZYDIS_MNEMONIC_SHL) {
    masm.Lsl(result, value, count);
    masm.Lsr(carry, bits == 64 ? value : result, bits == 64 ? 64 - count : bits);
  } else {
    masm.Lsr(carry, value, count - 1);
    if (insn.mnemonic == ZYDIS_MNEMONIC_SHR)
      masm.Lsr(result, value, count);
    else
      masm.Asr(result, value, count);
  }
  shift_flags(context, result, value, carry, insn.mnemonic, to.size);
  emit.write(to, result);
  return true;
}

bool shift_by_cl(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  unsigned bits = 8 * to.size;
  Register value = reg::t1, count = reg::t2, result = reg::t3, carry = reg::t6;
  emit.read_wide(value, to, insn.mnemonic == ZYDIS_MNEMONIC_SAR);
  masm.And(count, guest(1), count_mask(to.size));
  Label done;
  masm.Mov(result, value);
  masm.Cbz(count, &done);
  if (insn.mnemonic == ZYDIS_MNEMONIC_SHL) {
    masm.Lsl(result, value, count);
    if (bits == 64) {
      masm.Neg(carry, count);  // taken modulo 64: shifts by 64 - count
      masm.Lsr(carry, value, carry);
    } else {
      masm.Lsr(carry, result, bits);
    }
  } else {
    masm.Sub(carry, count, 1);
    masm.Lsr(carry, value, carry);
    if (insn.mnemonic == ZYDIS_MNEMONIC_SHR)
      masm.Lsr(result, value, count);
    else
      masm.Asr(result, value, count);
  }
  shift_flags(context, result, value, carry, insn.mnemonic, to.size);
  masm.Bind(&done);
  emit.write(to, result);
  return true;
}

bool shift(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_place()) return false;
  if (insn.op[1].is_immediate())
    return shift_by_constant(context, insn.op[1].immediate & count_mask(insn.op[0].size));
  return insn.op[1].is_cl() && shift_by_cl(context);
}

// shld and shrd: the second operand's bits come in from the side. `count` is not 0, t1 and t2 are
// the operands, t3 becomes the result and t6 bit 0 the carry.
void shift_pair(const LoweringContext& context, const Register& count) {
  const auto& [emit, masm, insn] = context;
  const unsigned bits = 8 * insn.op[0].size;
  const bool left = insn.mnemonic == ZYDIS_MNEMONIC_SHLD;
  const Register value = reg::t1, other = reg::t2, result = reg::t3, rest = reg::t5,
                 carry = reg::t6;
  if (bits == 64) {
    masm.Neg(rest, count);  // taken modulo 64: shifts by 64 - count
    if (left) {
      masm.Lsl(result, value, count);
      masm.Lsr(carry, value, rest);
      masm.Lsr(rest, other, rest);
    } else {
      masm.Lsr(result, value, count);
      masm.Sub(carry, count, 1);
      masm.Lsr(carry, value, carry);
      masm.Lsl(rest, other, rest);
    }
    masm.Orr(result, result, rest);
    return;
  }
  // Both in one register, and the first once more, as processors do it where a count of 2 bytes
  // is above 16 and the result undefined.
  if (left) {
    masm.Lsl(rest, value, bits);
    masm.Orr(rest, rest, other);
    if (bits == 16) {
      masm.Lsl(rest, rest, 16);
      masm.Orr(rest, rest, value);
    }
    const unsigned width = bits == 16 ? 48 : 64;
    masm.Lsl(rest, rest, 64 - width);
    masm.Sub(carry, count, 1);
    masm.Lsl(carry, rest, carry);
    masm.Lsr(carry, carry, 63);
    masm.Lsl(result, rest, count);
    masm.Lsr(result, result, 64 - bits);
  } else {
    masm.Orr(rest, value, a64::Operand(other, LSL, bits));
    if (bits == 16) masm.Orr(rest, rest, a64::Operand(value, LSL, 32));
    masm.Sub(carry, count, 1);
    masm.Lsr(carry, rest, carry);
    masm.Lsr(result, rest, count);
  }
}

bool double_shift(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1], &by = insn.op[2];
  if (!to.is_place() || to.size < 2 || !from.is_register()) return false;
  if (!by.is_immediate() && !by.is_cl()) return false;
  const Register value = reg::t1, other = reg::t2, result = reg::t3, count = reg::t4;
  masm.Mov(sized(other, to.size), emit.read(from, other));
  emit.read_wide(value, to, false);
  if (by.is_immediate())
    masm.Mov(count, by.immediate & count_mask(to.size));
  else
    masm.And(count, guest(1), count_mask(to.size));
  Label done;
  masm.Mov(result, value);
  masm.Cbz(count, &done);
  shift_pair(context, count);
  logic_flags(context, sized(result, to.size), to.size);
  emit.set_flags(reg::t6, CFlag);
  masm.Eor(reg::t5, result, value);  // OF: the sign changed
  masm.Lsr(reg::t5, reg::t5, 8 * to.size - 1);
  emit.set_flags(reg::t5, VFlag);
  if (insn.parity_lives()) emit.set_parity(result);
  masm.Bind(&done);
  emit.write(to, result);
  return true;
}

}  // namespace

LoweringRows shift_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_SHL, shift},         {ZYDIS_MNEMONIC_SHR, shift},
      {ZYDIS_MNEMONIC_SAR, shift},         {ZYDIS_MNEMONIC_SHLD, double_shift},
      {ZYDIS_MNEMONIC_SHRD, double_shift},
  };
  return rows;
}

}  // namespace mtetso
