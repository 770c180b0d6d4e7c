// SPDX-License-Identifier: MIT
//
// Moves, addresses, exchanges.

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
  if (insn.mnemonic == ZYDIS_MNEMONIC_MOVZX && from.is_memory() && to.size >= 4) {
    emit_.address(from.memory);
    emit_.load(guest(to.reg.index), from.size);  // clears all above
    return true;
  }
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
  GuestAddress offset = insn.op[1].memory;
  offset.fs = false;  // the base of a segment is no part of it
  emit_.address(offset);
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

// Of 2 bytes the result is undefined; processors give 0, and no compiler makes it.
bool Lower::byte_swap(const Decoded& insn) {
  if (!insn.op[0].is_register() || insn.op[0].size < 4) return false;
  Register value = sized(guest(insn.op[0].reg.index), insn.op[0].size);
  masm_.Rev(value, value);
  return true;
}

// movbe: a load or a store, never both.
bool Lower::move_swapped(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!is_place(to) || !is_place(from) || to.size < 2) return false;
  Register value = emit_.read(from, reg::t1), out = sized(reg::t1, to.size);
  if (to.size == 2)
    masm_.Rev16(out, value);
  else
    masm_.Rev(out, value);
  if (to.is_memory()) emit_.address(to.memory);
  emit_.write(to, out);
  return true;
}

// xlat: al = [rbx + al]
bool Lower::table_lookup(const Decoded& insn) {
  if (!insn.plain_addresses) return false;
  masm_.Add(reg::address, guest(3), a64::Operand(x0, UXTB));
  emit_.load(reg::t1, 1);
  emit_.write_register({0, false}, 1, reg::t1);
  return true;
}

}  // namespace mtetso
