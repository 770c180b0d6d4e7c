// SPDX-License-Identifier: MIT
//
// Moves, sign extension, addresses.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

bool move(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_place() || !from.is_value()) return false;
  if (to.is_register() && to.size >= 4) {
    Register out = guest(to.reg.index);
    if (from.is_memory()) {
      emit.address(from.memory);
      emit.load(out, from.size);
    } else if (from.is_immediate()) {
      masm.Mov(out, to.size == 8 ? from.immediate : from.immediate & 0xffffffff);
    } else {
      emit.write_register(to.reg, to.size, guest(from.reg.index));
    }
    return true;
  }
  bool zero = from.is_immediate() && from.immediate == 0;
  Register value = zero ? sized(xzr, from.size) : emit.read(from, reg::t1);
  if (to.is_memory()) emit.address(to.memory);
  emit.write(to, value);
  return true;
}

bool move_extended(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !from.is_place()) return false;
  if (insn.mnemonic == ZYDIS_MNEMONIC_MOVZX && from.is_memory() && to.size >= 4) {
    emit.address(from.memory);
    emit.load(guest(to.reg.index), from.size);  // clears all above
    return true;
  }
  Register value = emit.read(from, reg::t1);
  if (insn.mnemonic != ZYDIS_MNEMONIC_MOVZX) {
    Register out = sized(reg::t1, to.size);
    masm.Sbfx(out, sized(value, to.size), 0, 8 * from.size);
    value = out;
  }
  emit.write(to, value);
  return true;
}

bool load_address(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || !insn.op[1].is_memory()) return false;
  GuestAddress offset = insn.op[1].memory;
  offset.fs = offset.gs = false;  // the segment base is not part of it
  emit.address(offset);
  emit.write(insn.op[0], reg::address);
  return true;
}

// The sign extension of al, ax and eax, in place and into dx, edx and rdx.
bool cbw(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Sxtb(reg::t1.W(), w0);
  masm.Bfi(x0, reg::t1, 0, 16);
  return true;
}

bool cwde(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Sxth(w0, w0);
  return true;
}

bool cdqe(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Sxtw(x0, w0);
  return true;
}

bool cwd(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Sbfx(reg::t1.W(), w0, 15, 1);
  masm.Bfi(x2, reg::t1, 0, 16);
  return true;
}

bool cdq(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Asr(w2, w0, 31);
  return true;
}

bool cqo(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Asr(x2, x0, 63);
  return true;
}

// With 2 bytes the result is undefined; processors give 0, and compilers do not use it.
bool byte_swap(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || insn.op[0].size < 4) return false;
  Register value = sized(guest(insn.op[0].reg.index), insn.op[0].size);
  masm.Rev(value, value);
  return true;
}

// movbe: a load or a store, never both.
bool move_swapped(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_place() || !from.is_place() || to.size < 2) return false;
  Register value = emit.read(from, reg::t1), out = sized(reg::t1, to.size);
  if (to.size == 2)
    masm.Rev16(out, value);
  else
    masm.Rev(out, value);
  if (to.is_memory()) emit.address(to.memory);
  emit.write(to, out);
  return true;
}

// xlat: al = [rbx + al]
bool table_lookup(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.plain_addresses) return false;
  masm.Add(reg::address, guest(3), a64::Operand(x0, UXTB));
  emit.load(reg::t1, 1);
  emit.write_register({0, false}, 1, reg::t1);
  return true;
}

}  // namespace

LoweringRows move_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_MOV, move},
      {ZYDIS_MNEMONIC_MOVZX, move_extended},
      {ZYDIS_MNEMONIC_MOVSX, move_extended},
      {ZYDIS_MNEMONIC_MOVSXD, move_extended},
      {ZYDIS_MNEMONIC_LEA, load_address},
      {ZYDIS_MNEMONIC_CBW, cbw},
      {ZYDIS_MNEMONIC_CWDE, cwde},
      {ZYDIS_MNEMONIC_CDQE, cdqe},
      {ZYDIS_MNEMONIC_CWD, cwd},
      {ZYDIS_MNEMONIC_CDQ, cdq},
      {ZYDIS_MNEMONIC_CQO, cqo},
      {ZYDIS_MNEMONIC_BSWAP, byte_swap},
      {ZYDIS_MNEMONIC_MOVBE, move_swapped},
      {ZYDIS_MNEMONIC_XLAT, table_lookup},
  };
  return rows;
}

}  // namespace mtetso
