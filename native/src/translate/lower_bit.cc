// SPDX-License-Identifier: MIT
//
// Single bits: tests, and searches.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// The bit's number inside the operand.
void bit_number(const LoweringContext& context, const Register& number) {
  const auto& [emit, masm, insn] = context;
  const auto& bit = insn.op[1];
  const unsigned mask = 8 * insn.op[0].size - 1;
  if (bit.is_immediate())
    masm.Mov(number, bit.immediate & mask);
  else
    masm.And(number, guest(bit.reg.index), mask);
}

// Memory and a number in a register are a string of bits: the number, signed, says which of the
// operands after (or before) the address is meant.
void bit_address(const LoweringContext& context, const Register& scratch) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &bit = insn.op[1];
  emit.address(to.memory);
  if (bit.is_immediate()) return;
  const unsigned log2_size = static_cast<unsigned>(__builtin_ctz(to.size)), bits = 8 * to.size;
  masm.Sbfx(scratch, guest(bit.reg.index), log2_size + 3, bits - log2_size - 3);
  masm.Add(reg::address, reg::address, a64::Operand(scratch, LSL, log2_size));
}

// bt, bts, btr, btc: CF = the bit; the other flags stay.
bool bit_test(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &bit = insn.op[1];
  if (!to.is_place() || to.size < 2 || !bit.is_value()) return false;
  if (to.is_memory() && bit.is_register() && to.memory.wraps_32) return false;
  const Register number = reg::t2, result = reg::t3, mask = reg::t5;
  bit_number(context, number);
  Register value = sized(reg::t1, to.size);
  if (to.is_memory()) {
    bit_address(context, reg::t5);
    emit.load(value, to.size);
  } else {
    value = emit.read(to, reg::t1);
  }
  masm.Lsr(result, value.X(), number);
  emit.set_flags(result, CFlag);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BT) return true;
  masm.Mov(mask, 1);
  masm.Lsl(mask, mask, number);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BTS)
    masm.Orr(result, value.X(), mask);
  else if (insn.mnemonic == ZYDIS_MNEMONIC_BTR)
    masm.Bic(result, value.X(), mask);
  else
    masm.Eor(result, value.X(), mask);
  emit.write(to, result);
  return true;
}

bool locked_bit_test(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &bit = insn.op[1];
  if (!to.is_place() || to.size < 2 || !bit.is_value()) return false;
  if (bit.is_register() && to.memory.wraps_32) return false;
  const Register number = reg::t2, old = sized(reg::t1, to.size), mask = sized(reg::t3, to.size);
  bit_number(context, number);
  masm.Mov(reg::t3, 1);
  masm.Lsl(reg::t3, reg::t3, number);
  bit_address(context, reg::t5);
  const LseForms& forms = insn.mnemonic == ZYDIS_MNEMONIC_BTS   ? kLseSet
                          : insn.mnemonic == ZYDIS_MNEMONIC_BTR ? kLseClear
                                                                : kLseExclusiveOr;
  read_modify_write(context, forms, to.size, mask, old);
  masm.Lsr(reg::t3, old.X(), number);
  emit.set_flags(reg::t3, CFlag);
  return true;
}

// bsf and bsr: of zero, ZF is set and the destination stays (as processors do it).
bool bit_scan(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !from.is_place() || from.size < 2) return false;
  const unsigned bits = 8 * from.size;
  Register value = emit.read(from, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_BSF) {
    masm.Rbit(out, value);
    masm.Clz(out, out);
  } else {
    masm.Clz(out, value);
    masm.Eor(out, out, bits == 64 ? 63 : 31);  // the top bit's number, for what is not zero
  }
  masm.Tst(value, value);
  const Register whole = guest(to.reg.index);
  if (bits == 16) {
    masm.Mov(reg::t2, whole);
    masm.Bfi(reg::t2, reg::t3, 0, 16);
    masm.Mov(reg::t3, reg::t2);
  }
  masm.Csel(whole, whole, reg::t3, eq);
  return true;
}

// tzcnt and lzcnt: CF = no bit is set, ZF = the count is zero.
bool count_zeros(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !from.is_place() || from.size < 2) return false;
  const unsigned bits = 8 * from.size;
  Register value = emit.read(from, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_TZCNT) {
    if (bits == 16) {
      masm.Orr(reg::t1.W(), value, 0x10000);
      value = reg::t1.W();
    }
    masm.Rbit(out, value);
    masm.Clz(out, out);
  } else {
    masm.Clz(out, value);
    if (bits == 16) masm.Sub(out, out, 16);
  }
  masm.Tst(out, out);
  masm.Lsr(reg::t5, reg::t3, static_cast<unsigned>(__builtin_ctz(bits)));
  emit.set_flags(reg::t5, CFlag);
  emit.write(to, out);
  return true;
}

// popcnt. The general registers have no such instruction; the vector's count bytes.
bool count_ones(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !from.is_place() || from.size < 2) return false;
  Register value = emit.read(from, reg::t1);
  if (from.size == 8)
    masm.Fmov(d16, value);
  else
    masm.Fmov(s16, value);
  masm.Cnt(v16.V8B(), v16.V8B());
  masm.Addv(b16, v16.V8B());
  masm.Fmov(reg::t3.W(), s16);
  masm.Tst(reg::t3.W(), reg::t3.W());  // C and V become 0
  if (insn.parity_lives()) {
    masm.Mov(reg::t5.W(), 1);  // PF = 0
    emit.set_parity(reg::t5);
  }
  if (insn.adjust_lives()) emit.set_adjust(xzr);
  emit.write(to, sized(reg::t3, to.size));
  return true;
}

}  // namespace

LoweringRows bit_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_BT, bit_test},
      {ZYDIS_MNEMONIC_BTS, bit_test},
      {ZYDIS_MNEMONIC_BTR, bit_test},
      {ZYDIS_MNEMONIC_BTC, bit_test},
      {ZYDIS_MNEMONIC_BTS, locked_bit_test, Lock::With},
      {ZYDIS_MNEMONIC_BTR, locked_bit_test, Lock::With},
      {ZYDIS_MNEMONIC_BTC, locked_bit_test, Lock::With},
      {ZYDIS_MNEMONIC_BSF, bit_scan},
      {ZYDIS_MNEMONIC_BSR, bit_scan},
      {ZYDIS_MNEMONIC_TZCNT, count_zeros},
      {ZYDIS_MNEMONIC_LZCNT, count_zeros},
      {ZYDIS_MNEMONIC_POPCNT, count_ones},
  };
  return rows;
}

}  // namespace mtetso
