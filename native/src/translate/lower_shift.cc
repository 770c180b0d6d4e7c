// SPDX-License-Identifier: MIT
//
// Shifts, rotates, single bits. The count is taken modulo 32 (64 for 8 bytes); a count of zero
// changes no flag. OF is defined for a count of one only: other counts get what falls out.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

unsigned count_mask(unsigned size) { return size == 8 ? 63 : 31; }

bool by_cl(const Decoded& insn) {
  const auto& count = insn.op[1];
  return count.is_register() && count.size == 1 && count.reg.index == 1 && !count.reg.high;
}

}  // namespace

bool Lower::shift(const Decoded& insn) {
  if (!is_place(insn.op[0])) return false;
  if (insn.op[1].is_immediate())
    return shift_by_constant(insn, insn.op[1].immediate & count_mask(insn.op[0].size));
  return by_cl(insn) && shift_by_cl(insn);
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

// Only CF and OF change. Narrow values are repeated over 32 bits, which rotate as they would.
bool Lower::rotate(const Decoded& insn) {
  const auto &to = insn.op[0], &by = insn.op[1];
  if (!is_place(to) || !(by.is_immediate() || by_cl(insn))) return false;
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

// CF = the bit; the others stay. A memory operand with a bit number in a register reaches beyond
// the operand on x86: not in the subset.
bool Lower::bit_test(const Decoded& insn) {
  const auto &from = insn.op[0], &bit = insn.op[1];
  if (!is_place(from) || from.size < 2) return false;
  if (from.is_memory() ? !bit.is_immediate() : !is_value(bit)) return false;
  Register number = reg::t2;
  if (bit.is_immediate())
    masm_.Mov(number, bit.immediate & (8 * from.size - 1));
  else
    masm_.And(number, guest(bit.reg.index), 8 * from.size - 1);
  Register value = emit_.read(from, reg::t1);
  masm_.Lsr(reg::t3, value.X(), number);
  emit_.set_flags(reg::t3, CFlag);
  return true;
}

// bsf and bsr: of zero, ZF is set and the destination stays (as processors do it).
bool Lower::bit_scan(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !is_place(from) || from.size < 4) return false;
  Register value = emit_.read(from, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BSF) {
    masm_.Rbit(out, value);
    masm_.Clz(out, out);
  } else {
    masm_.Clz(out, value);
    masm_.Eor(out, out, 8 * to.size - 1);  // the top bit's number, for a value that is not zero
  }
  masm_.Tst(value, value);
  masm_.Csel(reg::t3, guest(to.reg.index), reg::t3, eq);
  masm_.Mov(guest(to.reg.index), reg::t3);
  return true;
}

}  // namespace mtetso
