// SPDX-License-Identifier: MIT
//
// Division. A divisor of zero and a quotient that does not fit leave through the Divide stub, as
// #DE, before any register has changed. All flags are undefined on x86, and are used here.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

bool Lower::divide(const Decoded& insn) {
  const auto& from = insn.op[0];
  if (!is_place(from)) return false;
  const bool is_signed = insn.mnemonic == ZYDIS_MNEMONIC_IDIV;
  widen(reg::t1, from, is_signed);
  if (from.size == 8)
    divide_wide(insn, is_signed);
  else
    divide_narrow(insn, is_signed);
  return true;
}

// rdx:rax by t1. In ordinary C rdx is the extension of rax, which AArch64 can divide; all else is
// the stub's.
void Lower::divide_wide(const Decoded& insn, bool is_signed) {
  const Register divisor = reg::t1, quotient = reg::t3, rest = reg::t4;
  Label slow, done;
  if (is_signed) {
    masm_.Eor(reg::t5, x2, a64::Operand(x0, ASR, 63));
    masm_.Cbnz(reg::t5, &slow);
    masm_.Add(reg::t5, divisor, 1);  // by -1 the lowest value does not fit
    masm_.Cbz(reg::t5, &slow);
  } else {
    masm_.Cbnz(x2, &slow);
  }
  masm_.Cbz(divisor, &slow);
  if (is_signed)
    masm_.Sdiv(quotient, x0, divisor);
  else
    masm_.Udiv(quotient, x0, divisor);
  masm_.Msub(rest, quotient, divisor, x0);
  masm_.B(&done);
  masm_.Bind(&slow);
  masm_.Mov(reg::target, insn.rip);
  emit_.call(is_signed ? FrameStub::DivideSigned : FrameStub::DivideUnsigned);
  masm_.Bind(&done);
  masm_.Mov(x0, quotient);
  masm_.Mov(x2, rest);
}

// edx:eax, dx:ax or ax by t1: the dividend fits in 64 bits.
void Lower::divide_narrow(const Decoded& insn, bool is_signed) {
  const unsigned size = insn.op[0].size, bits = 8 * size;
  const Register divisor = reg::t1, dividend = reg::t2, quotient = reg::t3, rest = reg::t4;
  Label fault, done;
  masm_.Cbz(divisor, &fault);
  masm_.Ubfx(dividend, x0, 0, size == 1 ? 16 : bits);
  if (size != 1) masm_.Bfi(dividend, x2, bits, bits);
  if (is_signed) {
    masm_.Sbfx(dividend, dividend, 0, 2 * bits);
    masm_.Sdiv(quotient, dividend, divisor);
    masm_.Sbfx(reg::t5, quotient, 0, bits);
  } else {
    masm_.Udiv(quotient, dividend, divisor);
    masm_.Ubfx(reg::t5, quotient, 0, bits);
  }
  masm_.Msub(rest, quotient, divisor, dividend);
  masm_.Eor(reg::t5, reg::t5, quotient);
  masm_.Cbnz(reg::t5, &fault);
  emit_.write_register({0, false}, size, quotient);
  if (size == 1)
    emit_.write_register({0, true}, 1, rest);  // ah
  else
    emit_.write_register({2, false}, size, rest);
  masm_.B(&done);
  masm_.Bind(&fault);
  emit_.leave(FrameStub::Divide, insn.rip);
  masm_.Bind(&done);
}

}  // namespace mtetso
