// SPDX-License-Identifier: MIT
//
// Division. A divisor of zero and a quotient that does not fit leave through the Divide stub, as
// #DE, before any register has changed. All flags are undefined on x86, and are used here.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// rdx:rax by t1. In ordinary C rdx is the extension of rax, which AArch64 can divide; the stub does
// everything else.
void divide_wide(const LoweringContext& context, bool is_signed) {
  const auto& [emit, masm, insn] = context;
  const Register divisor = reg::t1, quotient = reg::t3, rest = reg::t4;
  Label slow, done;
  if (is_signed) {
    masm.Eor(reg::t5, x2, a64::Operand(x0, ASR, 63));
    masm.Cbnz(reg::t5, &slow);
    masm.Add(reg::t5, divisor, 1);  // by -1 the lowest value does not fit
    masm.Cbz(reg::t5, &slow);
  } else {
    masm.Cbnz(x2, &slow);
  }
  masm.Cbz(divisor, &slow);
  if (is_signed)
    masm.Sdiv(quotient, x0, divisor);
  else
    masm.Udiv(quotient, x0, divisor);
  masm.Msub(rest, quotient, divisor, x0);
  masm.B(&done);
  masm.Bind(&slow);
  masm.Mov(reg::target, insn.rip);
  emit.call(is_signed ? FrameStub::DivideSigned : FrameStub::DivideUnsigned);
  masm.Bind(&done);
  masm.Mov(x0, quotient);
  masm.Mov(x2, rest);
}

// edx:eax, dx:ax or ax by t1: the dividend fits in 64 bits.
void divide_narrow(const LoweringContext& context, bool is_signed) {
  const auto& [emit, masm, insn] = context;
  const unsigned size = insn.op[0].size, bits = 8 * size;
  const Register divisor = reg::t1, dividend = reg::t2, quotient = reg::t3, rest = reg::t4;
  Label fault, done;
  masm.Cbz(divisor, &fault);
  masm.Ubfx(dividend, x0, 0, size == 1 ? 16 : bits);
  if (size != 1) masm.Bfi(dividend, x2, bits, bits);
  if (is_signed) {
    masm.Sbfx(dividend, dividend, 0, 2 * bits);
    masm.Sdiv(quotient, dividend, divisor);
    masm.Sbfx(reg::t5, quotient, 0, bits);
  } else {
    masm.Udiv(quotient, dividend, divisor);
    masm.Ubfx(reg::t5, quotient, 0, bits);
  }
  masm.Msub(rest, quotient, divisor, dividend);
  masm.Eor(reg::t5, reg::t5, quotient);
  masm.Cbnz(reg::t5, &fault);
  emit.write_register({0, false}, size, quotient);
  if (size == 1)
    emit.write_register({0, true}, 1, rest);  // ah
  else
    emit.write_register({2, false}, size, rest);
  masm.B(&done);
  masm.Bind(&fault);
  emit.leave(FrameStub::Divide, insn.rip);
  masm.Bind(&done);
}

bool divide(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& from = insn.op[0];
  if (!from.is_place()) return false;
  const bool is_signed = insn.mnemonic == ZYDIS_MNEMONIC_IDIV;
  emit.read_wide(reg::t1, from, is_signed);
  if (from.size == 8)
    divide_wide(context, is_signed);
  else
    divide_narrow(context, is_signed);
  return true;
}

}  // namespace

LoweringRows divide_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_DIV, divide},
      {ZYDIS_MNEMONIC_IDIV, divide},
  };
  return rows;
}

}  // namespace mtetso
