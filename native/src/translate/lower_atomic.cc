// SPDX-License-Identifier: MIT
//
// Locked read-modify-writes, on LSE's acquire-release forms: fully ordered in either mode of the
// memop, as x86's are. Flags come from the old value, afterwards, by the plain operation.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

using Access = void (MacroAssembler::*)(const Register&, const Register&, const MemOperand&);

// One row an operation: the forms for 1, 2 and 4 or 8 bytes.
struct Forms {
  Access byte, half, word;
  Access of(unsigned size) const { return size == 1 ? byte : size == 2 ? half : word; }
};

#define FORMS(name) \
  { &MacroAssembler::name##b, &MacroAssembler::name##h, &MacroAssembler::name }
constexpr Forms kAdd = FORMS(ldaddal);
constexpr Forms kClear = FORMS(ldclral);
constexpr Forms kSet = FORMS(ldsetal);
constexpr Forms kExclusiveOr = FORMS(ldeoral);
constexpr Forms kCompareSwap = FORMS(casal);
#undef FORMS

}  // namespace

bool Lower::locked(const Decoded& insn) {
  if (!insn.op[0].is_memory()) return false;
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_INC:
      return locked_alu(insn, Alu::Add);
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_DEC:
      return locked_alu(insn, Alu::Sub);
    case ZYDIS_MNEMONIC_AND:
      return locked_alu(insn, Alu::And);
    case ZYDIS_MNEMONIC_OR:
      return locked_alu(insn, Alu::Or);
    case ZYDIS_MNEMONIC_XOR:
      return locked_alu(insn, Alu::Xor);
    case ZYDIS_MNEMONIC_NOT:
      return locked_not(insn);
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_SBB:
      return locked_loop(insn);
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      return locked_bit_test(insn);
    default:  // exchanges: atomic with a prefix or without; the decoder refuses all others
      return dispatch(insn);
  }
}

bool Lower::locked_alu(const Decoded& insn, Alu operation) {
  const auto& to = insn.op[0];
  bool by_one = insn.count == 1;  // inc, dec
  if (!is_place(to) || (!by_one && !is_value(insn.op[1]))) return false;
  Register b = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  if (by_one)
    masm_.Mov(b, 1);
  else
    b = emit_.read(insn.op[1], reg::t2);
  Register operand = b;
  const Forms* forms = &kAdd;
  if (operation == Alu::Sub) {
    operand = sized(reg::t3, to.size);
    masm_.Neg(operand, b);
  } else if (operation == Alu::And) {
    forms = &kClear;
    operand = sized(reg::t3, to.size);
    masm_.Mvn(operand, b);
  } else if (operation != Alu::Add) {
    forms = operation == Alu::Or ? &kSet : &kExclusiveOr;
  }
  emit_.address(to.memory);
  emit_.read_modify_write(
      to.size, [&] { (masm_.*forms->of(to.size))(operand, old, MemOperand(reg::address)); });
  if (by_one) masm_.Cset(reg::t6.W(), cs);  // kept by inc and dec
  arithmetic(operation, sized(reg::t3, to.size), old, b, to.size);
  if (by_one) emit_.set_flags(reg::t6, CFlag);
  return true;
}

bool Lower::locked_not(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!is_place(to)) return false;
  Register ones = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  masm_.Mov(ones, -1);
  emit_.address(to.memory);
  emit_.read_modify_write(
      to.size, [&] { (masm_.*kExclusiveOr.of(to.size))(ones, old, MemOperand(reg::address)); });
  return true;
}

// neg, adc and sbb, which LSE does not have: read, compute, write if nothing has changed. The two
// memops are patched apart; the second one is the ordered one in either mode. The carry that adc
// and sbb read is kept over a second try.
bool Lower::locked_loop(const Decoded& insn) {
  const auto& to = insn.op[0];
  const bool negates = insn.mnemonic == ZYDIS_MNEMONIC_NEG;
  if (!is_place(to) || (!negates && !is_value(insn.op[1]))) return false;
  const Register expected = sized(reg::t1, to.size), found = sized(reg::t4, to.size);
  const Register b = negates ? expected : emit_.read(insn.op[1], reg::t2);
  const Register a = negates ? sized(xzr, to.size) : expected, out = sized(reg::t3, to.size);
  const Alu operation = insn.mnemonic == ZYDIS_MNEMONIC_ADC   ? Alu::Adc
                        : insn.mnemonic == ZYDIS_MNEMONIC_SBB ? Alu::Sbb
                                                              : Alu::Sub;
  Label again;
  masm_.Cset(reg::t6.W(), cs);
  emit_.address(to.memory);
  masm_.Bind(&again);
  emit_.set_flags(reg::t6, CFlag);
  emit_.load(expected, to.size);
  arithmetic(operation, out, a, b, to.size);
  masm_.Mov(found, expected);
  emit_.read_modify_write(
      to.size, [&] { (masm_.*kCompareSwap.of(to.size))(found, out, MemOperand(reg::address)); });
  masm_.Eor(found, found, expected);
  masm_.Cbnz(found, &again);
  return true;
}

bool Lower::exchange_add(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!is_place(to) || !from.is_register()) return false;
  Register b = emit_.read(from, reg::t2), old = sized(reg::t1, to.size);
  Register out = sized(reg::t3, to.size);
  if (to.is_memory()) {
    emit_.address(to.memory);
    emit_.read_modify_write(to.size,
                            [&] { (masm_.*kAdd.of(to.size))(b, old, MemOperand(reg::address)); });
  } else {
    masm_.Mov(old, emit_.read(to, reg::t1));
  }
  arithmetic(Alu::Add, out, old, b, to.size);
  emit_.write(from, old);
  if (to.is_register()) emit_.write(to, out);  // last: `xadd r, r` is the sum
  return true;
}

bool Lower::compare_exchange(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!is_place(to) || !from.is_register()) return false;
  if (to.is_register()) return compare_exchange_register(insn);
  Register value = emit_.read(from, reg::t2), old = sized(reg::t1, to.size);
  Register expected = sized(reg::t6, to.size);
  masm_.Mov(expected, emit_.read(accumulator(to.size), reg::t6));
  masm_.Mov(old, expected);
  emit_.address(to.memory);
  emit_.read_modify_write(
      to.size, [&] { (masm_.*kCompareSwap.of(to.size))(old, value, MemOperand(reg::address)); });
  // cmp accumulator, old: where they are equal the accumulator is not written at all.
  arithmetic(Alu::Sub, sized(reg::t3, to.size), expected, old, to.size);
  masm_.Mov(reg::t5, guest(0));
  emit_.write_register({0, false}, to.size, old);
  masm_.Csel(guest(0), reg::t5, guest(0), eq);
  return true;
}

}  // namespace mtetso
