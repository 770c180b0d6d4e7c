// SPDX-License-Identifier: MIT
//
// The guest's stack. rsp and the other registers change after the last access of an instruction
// has succeeded, so that a fault finds the state before it.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const Register kRbp = guest(5);

// Operands of 2 and 8 bytes; an immediate or rsp itself is pushed as it was before.
bool push(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& from = insn.op[0];
  if (!from.is_value() || (from.size != 2 && from.size != 8)) return false;
  emit.push(emit.read(from, reg::t1), from.size);
  return true;
}

// The address of a memory operand that is based on rsp is computed after rsp has moved.
bool pop(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_place() || (to.size != 2 && to.size != 8)) return false;
  if (to.is_register() && to.size == 8 && to.reg.index != 4) {
    emit.pop(guest(to.reg.index));
    return true;
  }
  if (to.is_register()) {
    emit.pop(reg::t1, to.size);
    emit.write(to, reg::t1);
    return true;
  }
  masm.Mov(reg::address, guest_rsp);
  emit.load(reg::t1, to.size);
  GuestAddress at = to.memory;
  if (at.base == 4) at.displacement += to.size;
  emit.address(at);
  emit.store(reg::t1, to.size);
  masm.Add(guest_rsp, guest_rsp, to.size);
  return true;
}

bool leave(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.plain_addresses) return false;
  masm.Mov(reg::address, kRbp);
  emit.load(reg::t1, 8);
  masm.Add(guest_rsp, kRbp, 8);
  masm.Mov(kRbp, reg::t1);
  return true;
}

// enter size, level: pushes rbp, then the frame pointers of the enclosing levels, then its own.
bool enter(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.plain_addresses || insn.count != 2) return false;
  if (!insn.op[0].is_immediate() || !insn.op[1].is_immediate()) return false;
  const unsigned level = insn.op[1].immediate & 31;
  const Register top = reg::t1, from = reg::t2, value = reg::t3, frame = reg::t4;
  auto put = [&](const Register& what) {
    masm.Sub(reg::address, top, 8);
    emit.store(what, 8);
    masm.Sub(top, top, 8);
  };
  masm.Mov(top, guest_rsp);
  masm.Mov(from, kRbp);
  put(kRbp);
  masm.Mov(frame, top);
  for (unsigned i = 1; i < level; ++i) {
    masm.Sub(from, from, 8);
    masm.Mov(reg::address, from);
    emit.load(value, 8);
    put(value);
  }
  if (level != 0) put(frame);
  masm.Mov(kRbp, frame);
  masm.Sub(guest_rsp, top, insn.op[0].immediate & 0xffff);
  return true;
}

}  // namespace

LoweringRows stack_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_PUSH, push},
      {ZYDIS_MNEMONIC_POP, pop},
      {ZYDIS_MNEMONIC_LEAVE, leave},
      {ZYDIS_MNEMONIC_ENTER, enter},
  };
  return rows;
}

}  // namespace mtetso
