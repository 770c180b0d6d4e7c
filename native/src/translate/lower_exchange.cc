// SPDX-License-Identifier: MIT
//
// xchg, xadd and cmpxchg of registers and of memory, and cmpxchg of 8 and 16 bytes in two
// registers. With memory they are atomic, on LSE's acquire-release forms.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

bool exchange(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &a = insn.op[0], &b = insn.op[1];
  if (!a.is_place() || !b.is_place()) return false;
  if (a.is_memory() || b.is_memory()) {
    // With memory it is locked, with or without a prefix, and fully ordered in either mode.
    const auto &memory = a.is_memory() ? a : b, &other = a.is_memory() ? b : a;
    Register value = emit.read(other, reg::t1);
    emit.address(memory.memory);
    Register out = sized(reg::t2, memory.size);
    read_modify_write(context, kLseSwap, memory.size, value, out);
    emit.write(other, out);
    return true;
  }
  masm.Mov(sized(reg::t1, a.size), emit.read(a, reg::t1));
  masm.Mov(sized(reg::t2, b.size), emit.read(b, reg::t2));
  emit.write(a, reg::t2);
  emit.write(b, reg::t1);
  return true;
}

bool exchange_add(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_place() || !from.is_register()) return false;
  Register b = emit.read(from, reg::t2), old = sized(reg::t1, to.size);
  Register out = sized(reg::t3, to.size);
  if (to.is_memory()) {
    emit.address(to.memory);
    read_modify_write(context, kLseAdd, to.size, b, old);
  } else {
    masm.Mov(old, emit.read(to, reg::t1));
  }
  arithmetic(context, Alu::Add, out, old, b, to.size);
  emit.write(from, old);
  if (to.is_register()) emit.write(to, out);  // last: `xadd r, r` is the sum
  return true;
}

// Not atomic: there is no memory access. Processors write one of the two, and leave the upper half
// of the other one alone.
bool compare_exchange_register(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  const Register value = sized(reg::t2, to.size), old = sized(reg::t1, to.size);
  const Register expected = sized(reg::t6, to.size);
  masm.Mov(value, emit.read(from, reg::t2));
  masm.Mov(old, emit.read(to, reg::t1));
  masm.Mov(expected, emit.read(accumulator(to.size), reg::t6));
  arithmetic(context, Alu::Sub, sized(reg::t3, to.size), expected, old, to.size);
  Label differ, done;
  masm.B(&differ, ne);
  emit.write(to, value);
  masm.B(&done);
  masm.Bind(&differ);
  emit.write(accumulator(to.size), old);
  masm.Bind(&done);
  return true;
}

bool compare_exchange(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_place() || !from.is_register()) return false;
  if (to.is_register()) return compare_exchange_register(context);
  Register value = emit.read(from, reg::t2), old = sized(reg::t1, to.size);
  Register expected = sized(reg::t6, to.size);
  masm.Mov(expected, emit.read(accumulator(to.size), reg::t6));
  masm.Mov(old, expected);
  emit.address(to.memory);
  read_modify_write(context, kLseCompareSwap, to.size, old, value);
  // cmp accumulator, old: where they are equal the accumulator is not written at all.
  arithmetic(context, Alu::Sub, sized(reg::t3, to.size), expected, old, to.size);
  masm.Mov(reg::t5, guest(0));
  emit.write_register({0, false}, to.size, old);
  masm.Csel(guest(0), reg::t5, guest(0), eq);
  return true;
}

// ZF = `difference` is 0; the other flags stay.
void set_zero_flag_if_equal(const LoweringContext& context, const Register& difference) {
  const auto& [emit, masm, insn] = context;
  masm.Clz(reg::t5, difference);
  masm.Lsr(reg::t5, reg::t5, 6);
  emit.set_flags(reg::t5, ZFlag);
}

// edx:eax and ecx:ebx are one register of 8 bytes each.
bool compare_exchange_8(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_memory() || to.size != 8) return false;
  const Register found = reg::t1, value = reg::t2, expected = reg::t3;
  masm.Mov(expected.W(), w0);
  masm.Bfi(expected, x2, 32, 32);
  masm.Mov(value.W(), w3);
  masm.Bfi(value, x1, 32, 32);
  masm.Mov(found, expected);
  emit.address(to.memory);
  emit.read_modify_write(8, [&] { masm.casal(found, value, MemOperand(reg::address)); });
  masm.Eor(expected, expected, found);
  set_zero_flag_if_equal(context, expected);
  Label done;
  masm.B(&done, eq);
  masm.Mov(w0, found.W());
  masm.Lsr(x2, found, 32);
  masm.Bind(&done);
  return true;
}

// CASP wants pairs that begin at an even register. An address that is not a multiple of 16
// is an alignment fault on both (#GP on x86).
bool compare_exchange_16(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_memory() || to.size != 16) return false;
  const Register found_low = x20, found_high = x21, value_low = x22, value_high = x23;
  masm.Mov(found_low, x0);
  masm.Mov(found_high, x2);
  masm.Mov(value_low, x3);
  masm.Mov(value_high, x1);
  emit.address(to.memory);
  emit.read_modify_write(16, [&] {
    masm.caspal(found_low, found_high, value_low, value_high, MemOperand(reg::address));
  });
  masm.Eor(reg::t6, found_low, x0);
  masm.Eor(reg::t1, found_high, x2);
  masm.Orr(reg::t6, reg::t6, reg::t1);
  set_zero_flag_if_equal(context, reg::t6);
  masm.Mov(x0, found_low);
  masm.Mov(x2, found_high);
  return true;
}

}  // namespace

LoweringRows exchange_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_XCHG, exchange, Lock::Either},
      {ZYDIS_MNEMONIC_XADD, exchange_add, Lock::Either},
      {ZYDIS_MNEMONIC_CMPXCHG, compare_exchange, Lock::Either},
      {ZYDIS_MNEMONIC_CMPXCHG8B, compare_exchange_8, Lock::Either},
      {ZYDIS_MNEMONIC_CMPXCHG16B, compare_exchange_16, Lock::Either},
  };
  return rows;
}

}  // namespace mtetso
