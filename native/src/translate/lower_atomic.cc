// SPDX-License-Identifier: MIT
//
// Read-modify-writes with a LOCK prefix, on LSE's acquire-release forms: fully ordered in either
// mode of the memop, as x86's are. The flags are computed from the old value, afterwards, by the
// plain operation.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

void read_modify_write(const LoweringContext& context, const LseForms& forms, unsigned size,
                       const Register& operand, const Register& result) {
  const auto& [emit, masm, insn] = context;
  const LseForms::Access form = size == 1 ? forms.byte : size == 2 ? forms.half : forms.word;
  emit.read_modify_write(size, [&] { (masm.*form)(operand, result, MemOperand(reg::address)); });
}

namespace {

bool locked_operate(const LoweringContext& context, Alu operation) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  bool by_one = insn.count == 1;  // inc, dec
  if (!to.is_place() || (!by_one && !insn.op[1].is_value())) return false;
  Register b = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  if (by_one)
    masm.Mov(b, 1);
  else
    b = emit.read(insn.op[1], reg::t2);
  Register operand = b;
  const LseForms* forms = &kLseAdd;
  if (operation == Alu::Sub) {
    operand = sized(reg::t3, to.size);
    masm.Neg(operand, b);
  } else if (operation == Alu::And) {
    forms = &kLseClear;
    operand = sized(reg::t3, to.size);
    masm.Mvn(operand, b);
  } else if (operation != Alu::Add) {
    forms = operation == Alu::Or ? &kLseSet : &kLseExclusiveOr;
  }
  emit.address(to.memory);
  read_modify_write(context, *forms, to.size, operand, old);
  if (by_one) masm.Cset(reg::t6.W(), cs);  // kept by inc and dec
  arithmetic(context, operation, sized(reg::t3, to.size), old, b, to.size);
  if (by_one) emit.set_flags(reg::t6, CFlag);
  return true;
}

template <Alu operation>
bool locked_alu(const LoweringContext& context) {
  return locked_operate(context, operation);
}

bool locked_not(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_place()) return false;
  Register ones = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  masm.Mov(ones, -1);
  emit.address(to.memory);
  read_modify_write(context, kLseExclusiveOr, to.size, ones, old);
  return true;
}

// neg, adc and sbb, which LSE does not have: read, compute, write if nothing has changed. The two
// memops are patched separately; the second one is ordered in either mode. The carry that adc
// and sbb read is kept over a second try.
bool locked_loop(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  const bool negates = insn.mnemonic == ZYDIS_MNEMONIC_NEG;
  if (!to.is_place() || (!negates && !insn.op[1].is_value())) return false;
  const Register expected = sized(reg::t1, to.size), found = sized(reg::t4, to.size);
  const Register b = negates ? expected : emit.read(insn.op[1], reg::t2);
  const Register a = negates ? sized(xzr, to.size) : expected, out = sized(reg::t3, to.size);
  const Alu operation = insn.mnemonic == ZYDIS_MNEMONIC_ADC   ? Alu::Adc
                        : insn.mnemonic == ZYDIS_MNEMONIC_SBB ? Alu::Sbb
                                                              : Alu::Sub;
  Label again;
  masm.Cset(reg::t6.W(), cs);
  emit.address(to.memory);
  masm.Bind(&again);
  emit.set_flags(reg::t6, CFlag);
  emit.load(expected, to.size);
  arithmetic(context, operation, out, a, b, to.size);
  masm.Mov(found, expected);
  read_modify_write(context, kLseCompareSwap, to.size, found, out);
  masm.Eor(found, found, expected);
  masm.Cbnz(found, &again);
  return true;
}

}  // namespace

LoweringRows atomic_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_ADD, locked_alu<Alu::Add>, Lock::With},
      {ZYDIS_MNEMONIC_INC, locked_alu<Alu::Add>, Lock::With},
      {ZYDIS_MNEMONIC_SUB, locked_alu<Alu::Sub>, Lock::With},
      {ZYDIS_MNEMONIC_DEC, locked_alu<Alu::Sub>, Lock::With},
      {ZYDIS_MNEMONIC_AND, locked_alu<Alu::And>, Lock::With},
      {ZYDIS_MNEMONIC_OR, locked_alu<Alu::Or>, Lock::With},
      {ZYDIS_MNEMONIC_XOR, locked_alu<Alu::Xor>, Lock::With},
      {ZYDIS_MNEMONIC_NOT, locked_not, Lock::With},
      {ZYDIS_MNEMONIC_NEG, locked_loop, Lock::With},
      {ZYDIS_MNEMONIC_ADC, locked_loop, Lock::With},
      {ZYDIS_MNEMONIC_SBB, locked_loop, Lock::With},
  };
  return rows;
}

}  // namespace mtetso
