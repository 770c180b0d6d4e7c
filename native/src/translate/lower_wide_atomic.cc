// SPDX-License-Identifier: MIT
//
// cmpxchg of two registers, and of 8 and 16 bytes from two.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

// Not atomic, there being no memory. Processors write one of the two, and leave the upper half of
// the other one alone.
bool Lower::compare_exchange_register(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  const Register value = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  const Register expected = sized(reg::t6, to.size);
  masm_.Mov(value, emit_.read(from, reg::t2));
  masm_.Mov(old, emit_.read(to, reg::t1));
  masm_.Mov(expected, emit_.read(accumulator(to.size), reg::t6));
  arithmetic(Alu::Sub, sized(reg::t3, to.size), expected, old, to.size);
  Label differ, done;
  masm_.B(&differ, ne);
  emit_.write(to, value);
  masm_.B(&done);
  masm_.Bind(&differ);
  emit_.write(accumulator(to.size), old);
  masm_.Bind(&done);
  return true;
}

// ZF = `difference` is 0; the other flags stay.
void Lower::set_zero_flag_if_equal(const Register& difference) {
  masm_.Clz(reg::t5, difference);
  masm_.Lsr(reg::t5, reg::t5, 6);
  emit_.set_flags(reg::t5, ZFlag);
}

// edx:eax and ecx:ebx are one register of 8 bytes each.
bool Lower::compare_exchange_8(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!to.is_memory() || to.size != 8) return false;
  const Register found = reg::t1, value = reg::t2, expected = reg::t3;
  masm_.Mov(expected.W(), w0);
  masm_.Bfi(expected, x2, 32, 32);
  masm_.Mov(value.W(), w3);
  masm_.Bfi(value, x1, 32, 32);
  masm_.Mov(found, expected);
  emit_.address(to.memory);
  emit_.read_modify_write(8, [&] { masm_.casal(found, value, MemOperand(reg::address)); });
  masm_.Eor(expected, expected, found);
  set_zero_flag_if_equal(expected);
  Label done;
  masm_.B(&done, eq);
  masm_.Mov(w0, found.W());
  masm_.Lsr(x2, found, 32);
  masm_.Bind(&done);
  return true;
}

// CASP wants pairs that begin at an even register. An address that is no multiple of 16 is an
// alignment fault in both worlds (#GP there).
bool Lower::compare_exchange_16(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!to.is_memory() || to.size != 16) return false;
  const Register found_low = x20, found_high = x21, value_low = x22, value_high = x23;
  masm_.Mov(found_low, x0);
  masm_.Mov(found_high, x2);
  masm_.Mov(value_low, x3);
  masm_.Mov(value_high, x1);
  emit_.address(to.memory);
  emit_.read_modify_write(16, [&] {
    masm_.caspal(found_low, found_high, value_low, value_high, MemOperand(reg::address));
  });
  masm_.Eor(reg::t6, found_low, x0);
  masm_.Eor(reg::t1, found_high, x2);
  masm_.Orr(reg::t6, reg::t6, reg::t1);
  set_zero_flag_if_equal(reg::t6);
  masm_.Mov(x0, found_low);
  masm_.Mov(x2, found_high);
  return true;
}

}  // namespace mtetso
