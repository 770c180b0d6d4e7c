// SPDX-License-Identifier: MIT
//
// Flags as values, and values as flags: setcc, cmovcc, jcc and its kin, lahf, pushf and back.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// Bits of RFLAGS (SDM volume 1, 3.4.3), and of NZCV.
constexpr unsigned kCarry = 0, kParity = 2, kAdjust = 4, kZero = 6, kSign = 7, kDirection = 10,
                   kOverflow = 11;
constexpr uint64_t kAlways = 0x202;  // bit 1 is always set; so is IF in user mode
constexpr unsigned kHostN = 31, kHostZ = 30, kHostC = 29, kHostV = 28;

struct Pair {
  unsigned guest, host;
};
constexpr Pair kPairs[] = {{kCarry, kHostC}, {kZero, kHostZ}, {kSign, kHostN}, {kOverflow, kHostV}};

}  // namespace

// setcc and cmovcc; all other mnemonics end here as well, and are not known.
bool Lower::condition(const Decoded& insn) {
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!Emitter::has_condition(insn.mnemonic)) return false;
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

// jcc, jrcxz and loop; no flag changes. With an address size prefix the counter is ecx.
bool Lower::branch(const Decoded& insn) {
  if (insn.op[0].kind != Operand::Kind::Target) return false;
  uint64_t target = insn.op[0].immediate;
  bool zero = insn.mnemonic == ZYDIS_MNEMONIC_JRCXZ || insn.mnemonic == ZYDIS_MNEMONIC_JECXZ;
  bool loop = insn.mnemonic == ZYDIS_MNEMONIC_LOOP || insn.mnemonic == ZYDIS_MNEMONIC_LOOPE ||
              insn.mnemonic == ZYDIS_MNEMONIC_LOOPNE;
  if (!zero && !loop) return emit_.branch_if(insn.mnemonic, target);
  Register count = insn.plain_addresses ? guest(1) : guest(1).W();
  Label no;
  if (zero) {
    masm_.Cbnz(count, &no);
  } else {
    masm_.Sub(count, count, 1);
    masm_.Cbz(count, &no);
    if (insn.mnemonic != ZYDIS_MNEMONIC_LOOP)
      masm_.B(&no, insn.mnemonic == ZYDIS_MNEMONIC_LOOPE ? ne : eq);
  }
  emit_.jump_to(target);
  masm_.Bind(&no);
  return true;
}

// RFLAGS as user code sees them; t4 to t6 are used.
void Lower::gather_flags(const Register& out) {
  Register host = reg::t4, bit = reg::t5;
  masm_.Mov(out, kAlways);
  masm_.Mrs(host, NZCV);
  for (auto [guest_bit, host_bit] : kPairs) {
    masm_.Lsr(bit, host, host_bit);
    masm_.Bfi(out, bit, guest_bit, 1);
  }
  emit_.get_parity(bit);
  masm_.Bfi(out, bit, kParity, 1);
  masm_.Ldrb(bit.W(), MemOperand(reg::frame, offsetof(Frame, adjust)));
  masm_.Lsr(bit, bit, kAdjust);
  masm_.Bfi(out, bit, kAdjust, 1);
  masm_.Ldrb(bit.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
  masm_.Lsr(bit, bit, 7);  // -1 is backwards
  masm_.Bfi(out, bit, kDirection, 1);
}

// The flags of the low byte, or `all`: OF and DF, too. t4 to t6 are used.
void Lower::scatter_flags(const Register& from, bool all) {
  Register host = reg::t4, bit = reg::t5;
  masm_.Mrs(host, NZCV);
  for (auto [guest_bit, host_bit] : kPairs) {
    if (guest_bit == kOverflow && !all) continue;
    masm_.Lsr(bit, from, guest_bit);
    masm_.Bfi(host, bit, host_bit, 1);
  }
  masm_.Msr(NZCV, host);
  masm_.Ubfx(bit, from, kParity, 1);
  masm_.Eor(bit, bit, 1);  // one 1 is odd: PF clear
  emit_.set_parity(bit);
  emit_.set_adjust(from);
  if (!all) return;
  masm_.Sbfx(bit, from, kDirection, 1);
  masm_.Orr(bit, bit, 1);
  masm_.Strb(bit.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
}

bool Lower::flag_word(const Decoded& insn) {
  unsigned size = 8;
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_LAHF:
      gather_flags(reg::t1);
      emit_.write_register({0, true}, 1, reg::t1);
      return true;
    case ZYDIS_MNEMONIC_SAHF:
      masm_.Lsr(reg::t1, x0, 8);
      scatter_flags(reg::t1, false);
      return true;
    case ZYDIS_MNEMONIC_PUSHF:
      size = 2;
      [[fallthrough]];
    case ZYDIS_MNEMONIC_PUSHFQ:
      gather_flags(reg::t1);
      emit_.push(reg::t1, size);
      return true;
    case ZYDIS_MNEMONIC_POPF:
      size = 2;
      [[fallthrough]];
    default:
      emit_.pop(reg::t1, size);
      scatter_flags(reg::t1, true);
      return true;
  }
}

bool Lower::one_flag(const Decoded& insn) {
  if (insn.mnemonic == ZYDIS_MNEMONIC_CMC) {
    masm_.Cfinv();
    return true;
  }
  bool set = insn.mnemonic == ZYDIS_MNEMONIC_STC || insn.mnemonic == ZYDIS_MNEMONIC_STD;
  if (insn.mnemonic == ZYDIS_MNEMONIC_CLC || insn.mnemonic == ZYDIS_MNEMONIC_STC) {
    masm_.Mov(reg::t1, set ? 1 : 0);
    emit_.set_flags(reg::t1, CFlag);
    return true;
  }
  masm_.Mov(reg::t1, set ? -1 : 1);
  masm_.Strb(reg::t1.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
  return true;
}

}  // namespace mtetso
