// SPDX-License-Identifier: MIT
//
// Addition, subtraction and logic of one or two operands.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

bool operate(const LoweringContext& context, Alu operation, bool keep_result) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_place() || !from.is_value()) return false;
  if (to.is_register() && from.is_register() && to.size >= 4 && to.reg.index == from.reg.index &&
      operation == Alu::Xor) {
    masm.Mov(guest(to.reg.index), 0);  // the idiom for zero
    logic_flags(context, sized(xzr, to.size), to.size);
    if (insn.parity_lives()) emit.set_parity(xzr);
    return true;
  }
  // x16 must be the destination's in the end: it is read last where it is memory.
  Register b = emit.read(from, reg::t2);
  Register a = emit.read(to, reg::t1);
  Register out = sized(reg::t3, to.size);
  if (keep_result && to.is_register() && to.size >= 4) out = a;
  arithmetic(context, operation, out, a, b, to.size);
  if (keep_result && !out.Is(a)) emit.write(to, out);
  return true;
}

template <Alu operation>
bool two_operands(const LoweringContext& context) {
  return operate(context, operation, true);
}

template <Alu operation>
bool compare(const LoweringContext& context) {
  return operate(context, operation, false);
}

// inc and dec keep the carry.
bool increment(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_place()) return false;
  Register a = emit.read(to, reg::t1), one = sized(reg::t2, to.size);
  Register out = sized(reg::t3, to.size);
  masm.Cset(reg::t6.W(), cs);
  masm.Mov(one, 1);
  arithmetic(context, insn.mnemonic == ZYDIS_MNEMONIC_INC ? Alu::Add : Alu::Sub, out, a, one,
             to.size);
  emit.set_flags(reg::t6, CFlag);
  emit.write(to, out);
  return true;
}

bool negate(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_place()) return false;
  Register a = emit.read(to, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_NOT)
    masm.Mvn(out, a);  // no flags
  else
    arithmetic(context, Alu::Sub, out, sized(xzr, to.size), a, to.size);
  emit.write(to, out);
  return true;
}

}  // namespace

LoweringRows alu_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_ADD, two_operands<Alu::Add>},
      {ZYDIS_MNEMONIC_ADC, two_operands<Alu::Adc>},
      {ZYDIS_MNEMONIC_SUB, two_operands<Alu::Sub>},
      {ZYDIS_MNEMONIC_SBB, two_operands<Alu::Sbb>},
      {ZYDIS_MNEMONIC_AND, two_operands<Alu::And>},
      {ZYDIS_MNEMONIC_OR, two_operands<Alu::Or>},
      {ZYDIS_MNEMONIC_XOR, two_operands<Alu::Xor>},
      {ZYDIS_MNEMONIC_CMP, compare<Alu::Sub>},
      {ZYDIS_MNEMONIC_TEST, compare<Alu::And>},
      {ZYDIS_MNEMONIC_INC, increment},
      {ZYDIS_MNEMONIC_DEC, increment},
      {ZYDIS_MNEMONIC_NEG, negate},
      {ZYDIS_MNEMONIC_NOT, negate},
  };
  return rows;
}

}  // namespace mtetso
