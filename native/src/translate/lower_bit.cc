// SPDX-License-Identifier: MIT
//
// Single bits, and where they are.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

// The bit's number inside the operand.
void Lower::bit_number(const Decoded& insn, const Register& number) {
  const auto& bit = insn.op[1];
  const unsigned mask = 8 * insn.op[0].size - 1;
  if (bit.is_immediate())
    masm_.Mov(number, bit.immediate & mask);
  else
    masm_.And(number, guest(bit.reg.index), mask);
}

// Memory and a number in a register are a string of bits: the number, signed, says which of the
// operands behind (or before) the address is meant.
void Lower::bit_address(const Decoded& insn, const Register& scratch) {
  const auto &to = insn.op[0], &bit = insn.op[1];
  emit_.address(to.memory);
  if (bit.is_immediate()) return;
  const unsigned log2_size = static_cast<unsigned>(__builtin_ctz(to.size)), bits = 8 * to.size;
  masm_.Sbfx(scratch, guest(bit.reg.index), log2_size + 3, bits - log2_size - 3);
  masm_.Add(reg::address, reg::address, a64::Operand(scratch, LSL, log2_size));
}

// bt, bts, btr, btc: CF = the bit; the other flags stay.
bool Lower::bit_test(const Decoded& insn) {
  const auto &to = insn.op[0], &bit = insn.op[1];
  if (!is_place(to) || to.size < 2 || !is_value(bit)) return false;
  if (to.is_memory() && bit.is_register() && to.memory.wraps_32) return false;
  const Register number = reg::t2, result = reg::t3, mask = reg::t5;
  bit_number(insn, number);
  Register value = sized(reg::t1, to.size);
  if (to.is_memory()) {
    bit_address(insn, reg::t5);
    emit_.load(value, to.size);
  } else {
    value = emit_.read(to, reg::t1);
  }
  masm_.Lsr(result, value.X(), number);
  emit_.set_flags(result, CFlag);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BT) return true;
  masm_.Mov(mask, 1);
  masm_.Lsl(mask, mask, number);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BTS)
    masm_.Orr(result, value.X(), mask);
  else if (insn.mnemonic == ZYDIS_MNEMONIC_BTR)
    masm_.Bic(result, value.X(), mask);
  else
    masm_.Eor(result, value.X(), mask);
  emit_.write(to, result);
  return true;
}

bool Lower::locked_bit_test(const Decoded& insn) {
  const auto &to = insn.op[0], &bit = insn.op[1];
  if (!is_place(to) || to.size < 2 || !is_value(bit)) return false;
  if (bit.is_register() && to.memory.wraps_32) return false;
  const Register number = reg::t2, old = sized(reg::t1, to.size), mask = sized(reg::t3, to.size);
  bit_number(insn, number);
  masm_.Mov(reg::t3, 1);
  masm_.Lsl(reg::t3, reg::t3, number);
  bit_address(insn, reg::t5);
  const MemOperand at(reg::address);
  emit_.read_modify_write(to.size, [&] {
    const bool half = to.size == 2;
    if (insn.mnemonic == ZYDIS_MNEMONIC_BTS)
      return half ? masm_.ldsetalh(mask, old, at) : masm_.ldsetal(mask, old, at);
    if (insn.mnemonic == ZYDIS_MNEMONIC_BTR)
      return half ? masm_.ldclralh(mask, old, at) : masm_.ldclral(mask, old, at);
    half ? masm_.ldeoralh(mask, old, at) : masm_.ldeoral(mask, old, at);
  });
  masm_.Lsr(reg::t3, old.X(), number);
  emit_.set_flags(reg::t3, CFlag);
  return true;
}

// bsf and bsr: of zero, ZF is set and the destination stays (as processors do it).
bool Lower::bit_scan(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !is_place(from) || from.size < 2) return false;
  const unsigned bits = 8 * from.size;
  Register value = emit_.read(from, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BSF) {
    masm_.Rbit(out, value);
    masm_.Clz(out, out);
  } else {
    masm_.Clz(out, value);
    masm_.Eor(out, out, bits == 64 ? 63 : 31);  // the top bit's number, for what is not zero
  }
  masm_.Tst(value, value);
  const Register whole = guest(to.reg.index);
  if (bits == 16) {
    masm_.Mov(reg::t2, whole);
    masm_.Bfi(reg::t2, reg::t3, 0, 16);
    masm_.Mov(reg::t3, reg::t2);
  }
  masm_.Csel(whole, whole, reg::t3, eq);
  return true;
}

// tzcnt and lzcnt: CF = there is no one, ZF = the count is zero.
bool Lower::count_zeros(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !is_place(from) || from.size < 2) return false;
  const unsigned bits = 8 * from.size;
  Register value = emit_.read(from, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_TZCNT) {
    if (bits == 16) {
      masm_.Orr(reg::t1.W(), value, 0x10000);
      value = reg::t1.W();
    }
    masm_.Rbit(out, value);
    masm_.Clz(out, out);
  } else {
    masm_.Clz(out, value);
    if (bits == 16) masm_.Sub(out, out, 16);
  }
  masm_.Tst(out, out);
  masm_.Lsr(reg::t5, reg::t3, static_cast<unsigned>(__builtin_ctz(bits)));
  emit_.set_flags(reg::t5, CFlag);
  emit_.write(to, out);
  return true;
}

// popcnt. The general registers have no such instruction; the vector's count bytes.
bool Lower::count_ones(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !is_place(from) || from.size < 2) return false;
  Register value = emit_.read(from, reg::t1);
  if (from.size == 8)
    masm_.Fmov(d16, value);
  else
    masm_.Fmov(s16, value);
  masm_.Cnt(v16.V8B(), v16.V8B());
  masm_.Addv(b16, v16.V8B());
  masm_.Fmov(reg::t3.W(), s16);
  masm_.Tst(reg::t3.W(), reg::t3.W());  // C and V become 0
  if (parity_lives()) {
    masm_.Mov(reg::t5.W(), 1);  // PF = 0
    emit_.set_parity(reg::t5);
  }
  if (adjust_lives()) emit_.set_adjust(xzr);
  emit_.write(to, sized(reg::t3, to.size));
  return true;
}

}  // namespace mtetso
