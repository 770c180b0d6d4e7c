// SPDX-License-Identifier: MIT
//
// Shifts of one register and of two. A count of zero changes no flag. OF is defined for a count of
// one only: other counts get what falls out.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

bool Lower::shift(const Decoded& insn) {
  if (!is_place(insn.op[0])) return false;
  if (insn.op[1].is_immediate())
    return shift_by_constant(insn, insn.op[1].immediate & count_mask(insn.op[0].size));
  return is_cl(insn.op[1]) && shift_by_cl(insn);
}

// The operand in all 64 bits of `out`.
void Lower::widen(const Register& out, const Operand& operand, bool is_signed) {
  Register value = emit_.read(operand, out);
  if (operand.size == 8)
    masm_.Mov(out, value);
  else if (is_signed)
    masm_.Sbfx(out, value.X(), 0, 8 * operand.size);
  else
    masm_.Ubfx(out, value.X(), 0, 8 * operand.size);
}

void Lower::shift_flags(const Register& result, const Register& original, const Register& carry,
                        ZydisMnemonic kind, unsigned size) {
  unsigned top = 8 * size - 1;
  logic_flags(sized(result, size), size);
  emit_.set_flags(carry, CFlag);
  if (parity_lives()) emit_.set_parity(result);
  if (kind == ZYDIS_MNEMONIC_SAR) return;  // OF = 0, as the logic flags left it
  if (kind == ZYDIS_MNEMONIC_SHR) {
    masm_.Lsr(reg::t5, original, top);
  } else {
    masm_.Lsr(reg::t5, result, top);
    masm_.Eor(reg::t5, reg::t5, carry);
  }
  emit_.set_flags(reg::t5, VFlag);
}

bool Lower::shift_by_constant(const Decoded& insn, unsigned count) {
  const auto& to = insn.op[0];
  unsigned bits = 8 * to.size;
  Register value = reg::t1, result = reg::t3, carry = reg::t6;
  widen(value, to, insn.mnemonic == ZYDIS_MNEMONIC_SAR);
  if (count == 0) {
    emit_.write(to, value);
    return true;
  }
  if (insn.mnemonic == ZYDIS_MNEMONIC_SHL) {
    masm_.Lsl(result, value, count);
    masm_.Lsr(carry, bits == 64 ? value : result, bits == 64 ? 64 - count : bits);
  } else {
    masm_.Lsr(carry, value, count - 1);
    if (insn.mnemonic == ZYDIS_MNEMONIC_SHR)
      masm_.Lsr(result, value, count);
    else
      masm_.Asr(result, value, count);
  }
  shift_flags(result, value, carry, insn.mnemonic, to.size);
  emit_.write(to, result);
  return true;
}

bool Lower::shift_by_cl(const Decoded& insn) {
  const auto& to = insn.op[0];
  unsigned bits = 8 * to.size;
  Register value = reg::t1, count = reg::t2, result = reg::t3, carry = reg::t6;
  widen(value, to, insn.mnemonic == ZYDIS_MNEMONIC_SAR);
  masm_.And(count, guest(1), count_mask(to.size));
  Label done;
  masm_.Mov(result, value);
  masm_.Cbz(count, &done);
  if (insn.mnemonic == ZYDIS_MNEMONIC_SHL) {
    masm_.Lsl(result, value, count);
    if (bits == 64) {
      masm_.Neg(carry, count);  // taken modulo 64: shifts by 64 - count
      masm_.Lsr(carry, value, carry);
    } else {
      masm_.Lsr(carry, result, bits);
    }
  } else {
    masm_.Sub(carry, count, 1);
    masm_.Lsr(carry, value, carry);
    if (insn.mnemonic == ZYDIS_MNEMONIC_SHR)
      masm_.Lsr(result, value, count);
    else
      masm_.Asr(result, value, count);
  }
  shift_flags(result, value, carry, insn.mnemonic, to.size);
  masm_.Bind(&done);
  emit_.write(to, result);
  return true;
}

// shld and shrd: the second operand's bits come in from the side. `count` is not 0, t1 and t2 are
// the operands, t3 becomes the result and t6 bit 0 the carry.
void Lower::shift_pair(const Decoded& insn, const Register& count) {
  const unsigned bits = 8 * insn.op[0].size;
  const bool left = insn.mnemonic == ZYDIS_MNEMONIC_SHLD;
  const Register value = reg::t1, other = reg::t2, result = reg::t3, rest = reg::t5,
                 carry = reg::t6;
  if (bits == 64) {
    masm_.Neg(rest, count);  // taken modulo 64: shifts by 64 - count
    if (left) {
      masm_.Lsl(result, value, count);
      masm_.Lsr(carry, value, rest);
      masm_.Lsr(rest, other, rest);
    } else {
      masm_.Lsr(result, value, count);
      masm_.Sub(carry, count, 1);
      masm_.Lsr(carry, value, carry);
      masm_.Lsl(rest, other, rest);
    }
    masm_.Orr(result, result, rest);
    return;
  }
  // Both in one register, and the first once more, as processors do it where a count of 2 bytes
  // is above 16 and the result undefined.
  if (left) {
    masm_.Lsl(rest, value, bits);
    masm_.Orr(rest, rest, other);
    if (bits == 16) {
      masm_.Lsl(rest, rest, 16);
      masm_.Orr(rest, rest, value);
    }
    const unsigned width = bits == 16 ? 48 : 64;
    masm_.Lsl(rest, rest, 64 - width);
    masm_.Sub(carry, count, 1);
    masm_.Lsl(carry, rest, carry);
    masm_.Lsr(carry, carry, 63);
    masm_.Lsl(result, rest, count);
    masm_.Lsr(result, result, 64 - bits);
  } else {
    masm_.Orr(rest, value, a64::Operand(other, LSL, bits));
    if (bits == 16) masm_.Orr(rest, rest, a64::Operand(value, LSL, 32));
    masm_.Sub(carry, count, 1);
    masm_.Lsr(carry, rest, carry);
    masm_.Lsr(result, rest, count);
  }
}

bool Lower::double_shift(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1], &by = insn.op[2];
  if (!is_place(to) || to.size < 2 || !from.is_register()) return false;
  if (!by.is_immediate() && !is_cl(by)) return false;
  const Register value = reg::t1, other = reg::t2, result = reg::t3, count = reg::t4;
  masm_.Mov(sized(other, to.size), emit_.read(from, other));
  widen(value, to, false);
  if (by.is_immediate())
    masm_.Mov(count, by.immediate & count_mask(to.size));
  else
    masm_.And(count, guest(1), count_mask(to.size));
  Label done;
  masm_.Mov(result, value);
  masm_.Cbz(count, &done);
  shift_pair(insn, count);
  logic_flags(sized(result, to.size), to.size);
  emit_.set_flags(reg::t6, CFlag);
  masm_.Eor(reg::t5, result, value);  // OF: the sign changed
  masm_.Lsr(reg::t5, reg::t5, 8 * to.size - 1);
  emit_.set_flags(reg::t5, VFlag);
  if (parity_lives()) emit_.set_parity(result);
  masm_.Bind(&done);
  emit_.write(to, result);
  return true;
}

}  // namespace mtetso
