// SPDX-License-Identifier: MIT
//
// Addition, subtraction, logic, and their flags.
//
// Flags: N Z C V of AArch64 hold SF ZF CF OF. AArch64's carry after a subtraction says "no
// borrow", x86's says "borrow": CFINV follows each subtraction (and goes before one that uses it).
// For 1 and 2 bytes the operands stand in the top of a 32-bit register, where the hardware's own
// flags are those of the narrow operation. AF is the carry out of bit 3: where the sum of the
// operands without carries (exclusive or) differs from the result there was one into bit 4.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

void Lower::zero_flag_of(const Register& value) {
  masm_.Clz(reg::t5.W(), value.W());  // 32 for zero only
  masm_.Lsr(reg::t5.W(), reg::t5.W(), 5);
  emit_.set_flags(reg::t5, ZFlag);
}

// SF and ZF of `value`; CF and OF clear.
void Lower::logic_flags(const Register& value, unsigned size) {
  if (size >= 4) {
    masm_.Tst(value, value);
    return;
  }
  masm_.Lsl(reg::t4.W(), value.W(), 32 - 8 * size);
  masm_.Tst(reg::t4.W(), reg::t4.W());
}

void Lower::narrow_arithmetic(Alu operation, const Register& out, const Register& a,
                              const Register& b, unsigned size) {
  unsigned shift = 32 - 8 * size;
  Register high_a = reg::t4.W(), high_b = reg::t5.W();
  masm_.Lsl(high_a, a, shift);
  switch (operation) {
    case Alu::Add:
      masm_.Adds(high_a, high_a, a64::Operand(b, LSL, shift));
      break;
    case Alu::Adc:
      // Ones below the operand carry the carry up to it.
      masm_.Lsl(high_b, b, shift);
      masm_.Orr(high_b, high_b, (1u << shift) - 1);
      masm_.Adcs(high_a, high_a, high_b);
      break;
    case Alu::Sub:
      masm_.Subs(high_a, high_a, a64::Operand(b, LSL, shift));
      masm_.Cfinv();
      break;
    default:  // Sbb: the inverted operand has those ones of itself
      masm_.Lsl(high_b, b, shift);
      masm_.Cfinv();
      masm_.Sbcs(high_a, high_a, high_b);
      masm_.Cfinv();
      break;
  }
  masm_.Lsr(out.W(), high_a, shift);
  // What is left below the operand is not part of the result.
  if (operation == Alu::Adc || operation == Alu::Sbb) zero_flag_of(out);
}

// out = a op b, and the flags. `out` may be a or b; t4, t5 and x17 are used.
void Lower::arithmetic(Alu operation, const Register& out, const Register& a, const Register& b,
                       unsigned size) {
  bool logic = operation == Alu::And || operation == Alu::Or || operation == Alu::Xor;
  bool adjust = adjust_lives() && !logic;  // undefined after logic
  if (adjust) masm_.Eor(reg::target.W(), a.W(), b.W());
  compute(operation, out, a, b, size);
  if (parity_lives()) emit_.set_parity(out);
  if (!adjust) return;
  masm_.Eor(reg::target.W(), reg::target.W(), out.W());
  emit_.set_adjust(reg::target);
}

void Lower::compute(Alu operation, const Register& out, const Register& a, const Register& b,
                    unsigned size) {
  bool logic = operation == Alu::And || operation == Alu::Or || operation == Alu::Xor;
  if (size < 4 && !logic) return narrow_arithmetic(operation, out, a, b, size);
  switch (operation) {
    case Alu::Add:
      masm_.Adds(out, a, b);
      return;
    case Alu::Adc:
      masm_.Adcs(out, a, b);
      return;
    case Alu::Sub:
      masm_.Subs(out, a, b);
      masm_.Cfinv();
      return;
    case Alu::Sbb:
      masm_.Cfinv();
      masm_.Sbcs(out, a, b);
      masm_.Cfinv();
      return;
    case Alu::And:
      masm_.And(out, a, b);
      break;
    case Alu::Or:
      masm_.Orr(out, a, b);
      break;
    case Alu::Xor:
      masm_.Eor(out, a, b);
      break;
  }
  logic_flags(out, size);
}

bool Lower::alu(const Decoded& insn, Alu operation, bool keep_result) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!is_place(to) || !is_value(from)) return false;
  if (to.is_register() && from.is_register() && to.size >= 4 && to.reg.index == from.reg.index &&
      operation == Alu::Xor) {
    masm_.Mov(guest(to.reg.index), 0);  // the idiom for zero
    logic_flags(sized(xzr, to.size), to.size);
    if (parity_lives()) emit_.set_parity(xzr);
    return true;
  }
  // x16 must be the destination's in the end: it is read last where it is memory.
  Register b = emit_.read(from, reg::t2);
  Register a = emit_.read(to, reg::t1);
  Register out = sized(reg::t3, to.size);
  if (keep_result && to.is_register() && to.size >= 4) out = a;
  arithmetic(operation, out, a, b, to.size);
  if (keep_result && !out.Is(a)) emit_.write(to, out);
  return true;
}

// inc and dec keep the carry.
bool Lower::increment(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!is_place(to)) return false;
  Register a = emit_.read(to, reg::t1), one = sized(reg::t2, to.size);
  Register out = sized(reg::t3, to.size);
  masm_.Cset(reg::t6.W(), cs);
  masm_.Mov(one, 1);
  arithmetic(insn.mnemonic == ZYDIS_MNEMONIC_INC ? Alu::Add : Alu::Sub, out, a, one, to.size);
  emit_.set_flags(reg::t6, CFlag);
  emit_.write(to, out);
  return true;
}

bool Lower::negate(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!is_place(to)) return false;
  Register a = emit_.read(to, reg::t1), out = sized(reg::t3, to.size);
  if (insn.mnemonic == ZYDIS_MNEMONIC_NOT)
    masm_.Mvn(out, a);  // no flags
  else
    arithmetic(Alu::Sub, out, sized(xzr, to.size), a, to.size);
  emit_.write(to, out);
  return true;
}

}  // namespace mtetso
