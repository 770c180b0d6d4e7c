// SPDX-License-Identifier: MIT
//
// The guest's stack. rsp and the other registers change after the last access of an instruction
// has succeeded, so that a fault finds the state before it.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const Register kRbp = guest(5);

}  // namespace

bool Lower::stack(const Decoded& insn) {
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
      return push(insn);
    case ZYDIS_MNEMONIC_POP:
      return pop(insn);
    case ZYDIS_MNEMONIC_LEAVE:
      return insn.plain_addresses && leave();
    default:
      return enter(insn);
  }
}

// Operands of 2 and 8 bytes; an immediate or rsp itself is pushed as it was before.
bool Lower::push(const Decoded& insn) {
  const auto& from = insn.op[0];
  if (!is_value(from) || (from.size != 2 && from.size != 8)) return false;
  emit_.push(emit_.read(from, reg::t1), from.size);
  return true;
}

// The address of a memory operand that is based on rsp is computed after rsp has moved.
bool Lower::pop(const Decoded& insn) {
  const auto& to = insn.op[0];
  if (!is_place(to) || (to.size != 2 && to.size != 8)) return false;
  if (to.is_register() && to.size == 8 && to.reg.index != 4) {
    emit_.pop(guest(to.reg.index));
    return true;
  }
  if (to.is_register()) {
    emit_.pop(reg::t1, to.size);
    emit_.write(to, reg::t1);
    return true;
  }
  masm_.Mov(reg::address, guest_rsp);
  emit_.load(reg::t1, to.size);
  GuestAddress at = to.memory;
  if (at.base == 4) at.displacement += to.size;
  emit_.address(at);
  emit_.store(reg::t1, to.size);
  masm_.Add(guest_rsp, guest_rsp, to.size);
  return true;
}

bool Lower::leave() {
  masm_.Mov(reg::address, kRbp);
  emit_.load(reg::t1, 8);
  masm_.Add(guest_rsp, kRbp, 8);
  masm_.Mov(kRbp, reg::t1);
  return true;
}

// enter size, level: pushes rbp, then the frame pointers of the enclosing levels, then its own.
bool Lower::enter(const Decoded& insn) {
  if (!insn.plain_addresses || insn.count != 2) return false;
  if (!insn.op[0].is_immediate() || !insn.op[1].is_immediate()) return false;
  const unsigned level = insn.op[1].immediate & 31;
  const Register top = reg::t1, from = reg::t2, value = reg::t3, frame = reg::t4;
  auto put = [&](const Register& what) {
    masm_.Sub(reg::address, top, 8);
    emit_.store(what, 8);
    masm_.Sub(top, top, 8);
  };
  masm_.Mov(top, guest_rsp);
  masm_.Mov(from, kRbp);
  put(kRbp);
  masm_.Mov(frame, top);
  for (unsigned i = 1; i < level; ++i) {
    masm_.Sub(from, from, 8);
    masm_.Mov(reg::address, from);
    emit_.load(value, 8);
    put(value);
  }
  if (level != 0) put(frame);
  masm_.Mov(kRbp, frame);
  masm_.Sub(guest_rsp, top, insn.op[0].immediate & 0xffff);
  return true;
}

}  // namespace mtetso
