// SPDX-License-Identifier: MIT
//
// Moves, addresses, the stack, conditions as values, string stores.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

bool Lower::move(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!is_place(to) || !is_value(from)) return false;
  if (to.is_register() && to.size >= 4) {
    Register out = guest(to.reg.index);
    if (from.is_memory()) {
      emit_.address(from.memory);
      emit_.load(out, from.size);
    } else if (from.is_immediate()) {
      masm_.Mov(out, to.size == 8 ? from.immediate : from.immediate & 0xffffffff);
    } else {
      emit_.write_register(to.reg, to.size, guest(from.reg.index));
    }
    return true;
  }
  bool zero = from.is_immediate() && from.immediate == 0;
  Register value = zero ? sized(xzr, from.size) : emit_.read(from, reg::t1);
  if (to.is_memory()) emit_.address(to.memory);
  emit_.write(to, value);
  return true;
}

bool Lower::move_extended(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !is_place(from)) return false;
  Register value = emit_.read(from, reg::t1);
  if (insn.mnemonic != ZYDIS_MNEMONIC_MOVZX) {
    Register out = sized(reg::t1, to.size);
    masm_.Sbfx(out, sized(value, to.size), 0, 8 * from.size);
    value = out;
  }
  emit_.write(to, value);
  return true;
}

bool Lower::load_address(const Decoded& insn) {
  if (!insn.op[0].is_register() || !insn.op[1].is_memory()) return false;
  emit_.address(insn.op[1].memory);
  emit_.write(insn.op[0], reg::address);
  return true;
}

bool Lower::sign_extend_accumulator(const Decoded& insn) {
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_CBW:
      masm_.Sxtb(reg::t1.W(), w0);
      masm_.Bfi(x0, reg::t1, 0, 16);
      return true;
    case ZYDIS_MNEMONIC_CWDE:
      masm_.Sxth(w0, w0);
      return true;
    case ZYDIS_MNEMONIC_CDQE:
      masm_.Sxtw(x0, w0);
      return true;
    case ZYDIS_MNEMONIC_CWD:
      masm_.Sbfx(reg::t1.W(), w0, 15, 1);
      masm_.Bfi(x2, reg::t1, 0, 16);
      return true;
    case ZYDIS_MNEMONIC_CDQ:
      masm_.Asr(w2, w0, 31);
      return true;
    default:  // CQO
      masm_.Asr(x2, x0, 63);
      return true;
  }
}

bool Lower::stack(const Decoded& insn) {
  if (insn.mnemonic == ZYDIS_MNEMONIC_LEAVE) {
    masm_.Mov(reg::address, guest(5));
    emit_.load(reg::t1, 8);
    masm_.Add(guest_rsp, guest(5), 8);
    masm_.Mov(guest(5), reg::t1);
    return true;
  }
  const auto& operand = insn.op[0];
  if (operand.size != 8) return false;
  if (insn.mnemonic == ZYDIS_MNEMONIC_PUSH) {
    if (!is_value(operand)) return false;
    emit_.push(emit_.read(operand, reg::t1));
    return true;
  }
  if (!operand.is_register()) return false;
  emit_.pop(guest(operand.reg.index));
  return true;
}

bool Lower::exchange(const Decoded& insn) {
  const auto &a = insn.op[0], &b = insn.op[1];
  if (!is_place(a) || !is_place(b)) return false;
  if (a.is_memory() || b.is_memory()) {
    // With memory it is locked, prefix or not. Both forms are acquire and release.
    const auto &memory = a.is_memory() ? a : b, &other = a.is_memory() ? b : a;
    Register value = emit_.read(other, reg::t1);
    emit_.address(memory.memory);
    MemOperand at(reg::address);
    Register out = sized(reg::t2, memory.size);
    emit_.read_modify_write(memory.size, [&] {
      if (memory.size == 1) return masm_.swpalb(value, out, at);
      if (memory.size == 2) return masm_.swpalh(value, out, at);
      masm_.swpal(value, out, at);
    });
    emit_.write(other, out);
    return true;
  }
  masm_.Mov(sized(reg::t1, a.size), emit_.read(a, reg::t1));
  masm_.Mov(sized(reg::t2, b.size), emit_.read(b, reg::t2));
  emit_.write(a, reg::t2);
  emit_.write(b, reg::t1);
  return true;
}

// setcc and cmovcc; all other mnemonics end here as well, and are not known.
bool Lower::condition(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!emit_.has_condition(insn.mnemonic)) return false;
  if (insn.count == 1) {
    if (!is_place(to) || to.size != 1) return false;
    emit_.with_condition(insn.mnemonic, [&](Condition c) { masm_.Cset(reg::t1.W(), c); });
    if (to.is_memory()) emit_.address(to.memory);
    emit_.write(to, reg::t1);
    return true;
  }
  if (!to.is_register() || !is_place(from) || from.size != to.size) return false;
  // The load happens where the condition is false, too, and so does the clearing of the upper
  // half: as on x86.
  Register value = emit_.read(from, reg::t1), old = emit_.read(to, reg::t2);
  Register out = sized(reg::t1, to.size);
  emit_.with_condition(insn.mnemonic, [&](Condition c) { masm_.Csel(out, value, old, c); });
  emit_.write(to, out);
  return true;
}

bool Lower::byte_swap(const Decoded& insn) {
  if (!insn.op[0].is_register() || insn.op[0].size < 4) return false;
  Register value = sized(guest(insn.op[0].reg.index), insn.op[0].size);
  masm_.Rev(value, value);
  return true;
}

// (rep) stos and movs, upwards: the direction flag is always clear, since nothing of the subset
// sets it. Registers are up to date at each memop, so a fault finds a state x86 could be in.
bool Lower::string(const Decoded& insn) {
  if (!insn.plain_addresses || insn.count != 0) return false;  // MOVSD is SSE's, too
  bool copies = false;
  unsigned size = 0;
  switch (insn.mnemonic) {
    // clang-format off
    case ZYDIS_MNEMONIC_MOVSB: copies = true; [[fallthrough]];
    case ZYDIS_MNEMONIC_STOSB: size = 1; break;
    case ZYDIS_MNEMONIC_MOVSW: copies = true; [[fallthrough]];
    case ZYDIS_MNEMONIC_STOSW: size = 2; break;
    case ZYDIS_MNEMONIC_MOVSD: copies = true; [[fallthrough]];
    case ZYDIS_MNEMONIC_STOSD: size = 4; break;
    case ZYDIS_MNEMONIC_MOVSQ: copies = true; [[fallthrough]];
    default: size = 8; break;
      // clang-format on
  }
  Register count = guest(1), source = guest(6), destination = guest(7);
  Label again, done;
  masm_.Bind(&again);
  if (insn.rep) masm_.Cbz(count, &done);
  Register value = guest(0);
  if (copies) {
    value = reg::t1;
    masm_.Mov(reg::address, source);
    emit_.load(value, size);
  }
  masm_.Mov(reg::address, destination);
  emit_.store(value, size);
  if (copies) masm_.Add(source, source, size);
  masm_.Add(destination, destination, size);
  if (insn.rep) {
    masm_.Sub(count, count, 1);
    masm_.B(&again);
    masm_.Bind(&done);
  }
  return true;
}

}  // namespace mtetso
