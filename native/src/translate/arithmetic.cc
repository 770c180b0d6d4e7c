// SPDX-License-Identifier: MIT
//
// Addition, subtraction and logic on registers, with their flags.
//
// Flags: N Z C V of AArch64 hold SF ZF CF OF. AArch64's carry after a subtraction says "no
// borrow", x86's says "borrow": CFINV follows each subtraction (and precedes one that uses the
// carry). For 1 and 2 bytes the operands are in the top of a 32-bit register, where the hardware's
// own flags are those of the narrow operation. AF is the carry out of bit 3: where the result
// differs in bit 4 from the exclusive or of the operands, there was one.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

void logic_flags(const LoweringContext& context, const Register& value, unsigned size) {
  const auto& [emit, masm, insn] = context;
  if (size >= 4) {
    masm.Tst(value, value);
    return;
  }
  masm.Lsl(reg::t4.W(), value.W(), 32 - 8 * size);
  masm.Tst(reg::t4.W(), reg::t4.W());
}

namespace {

// ZF = `value` is 0; the other flags stay.
void zero_flag_of(const LoweringContext& context, const Register& value) {
  const auto& [emit, masm, insn] = context;
  masm.Clz(reg::t5.W(), value.W());  // 32 for zero only
  masm.Lsr(reg::t5.W(), reg::t5.W(), 5);
  emit.set_flags(reg::t5, ZFlag);
}

void narrow_arithmetic(const LoweringContext& context, Alu operation, const Register& out,
                       const Register& a, const Register& b, unsigned size) {
  const auto& [emit, masm, insn] = context;
  unsigned shift = 32 - 8 * size;
  Register high_a = reg::t4.W(), high_b = reg::t5.W();
  masm.Lsl(high_a, a, shift);
  switch (operation) {
    case Alu::Add:
      masm.Adds(high_a, high_a, a64::Operand(b, LSL, shift));
      break;
    case Alu::Adc:
      // Ones below the operand carry the carry up to it.
      masm.Lsl(high_b, b, shift);
      masm.Orr(high_b, high_b, (1u << shift) - 1);
      masm.Adcs(high_a, high_a, high_b);
      break;
    case Alu::Sub:
      masm.Subs(high_a, high_a, a64::Operand(b, LSL, shift));
      masm.Cfinv();
      break;
    default:  // Sbb: the inverted operand has those ones of itself
      masm.Lsl(high_b, b, shift);
      masm.Cfinv();
      masm.Sbcs(high_a, high_a, high_b);
      masm.Cfinv();
      break;
  }
  masm.Lsr(out.W(), high_a, shift);
  // The bits below the operand are not part of the result.
  if (operation == Alu::Adc || operation == Alu::Sbb) zero_flag_of(context, out);
}

void compute(const LoweringContext& context, Alu operation, const Register& out, const Register& a,
             const Register& b, unsigned size) {
  const auto& [emit, masm, insn] = context;
  bool logic = operation == Alu::And || operation == Alu::Or || operation == Alu::Xor;
  if (size < 4 && !logic) return narrow_arithmetic(context, operation, out, a, b, size);
  switch (operation) {
    case Alu::Add:
      masm.Adds(out, a, b);
      return;
    case Alu::Adc:
      masm.Adcs(out, a, b);
      return;
    case Alu::Sub:
      masm.Subs(out, a, b);
      masm.Cfinv();
      return;
    case Alu::Sbb:
      masm.Cfinv();
      masm.Sbcs(out, a, b);
      masm.Cfinv();
      return;
    case Alu::And:
      masm.And(out, a, b);
      break;
    case Alu::Or:
      masm.Orr(out, a, b);
      break;
    case Alu::Xor:
      masm.Eor(out, a, b);
      break;
  }
  logic_flags(context, out, size);
}

}  // namespace

void arithmetic(const LoweringContext& context, Alu operation, const Register& out,
                const Register& a, const Register& b, unsigned size) {
  const auto& [emit, masm, insn] = context;
  bool logic = operation == Alu::And || operation == Alu::Or || operation == Alu::Xor;
  bool adjust = insn.adjust_lives() && !logic;  // undefined after logic
  if (adjust) masm.Eor(reg::target.W(), a.W(), b.W());
  compute(context, operation, out, a, b, size);
  if (insn.parity_lives()) emit.set_parity(out);
  if (!adjust) return;
  masm.Eor(reg::target.W(), reg::target.W(), out.W());
  emit.set_adjust(reg::target);
}

}  // namespace mtetso
