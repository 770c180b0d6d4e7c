// SPDX-License-Identifier: MIT
//
// Flags as values, and values as flags: setcc and cmovcc; lahf, pushf and back; single flags.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// Bits of RFLAGS (SDM volume 1, 3.4.3), and of NZCV.
constexpr unsigned kCarry = 0, kParity = 2, kAdjust = 4, kZero = 6, kSign = 7, kDirection = 10,
                   kOverflow = 11, kKept = 18;  // AC; ID is three bits further
constexpr uint64_t kKeptMask = 0b1001;
constexpr uint64_t kAlways = 0x202;  // bit 1 is always set; so is IF in user mode
constexpr unsigned kHostN = 31, kHostZ = 30, kHostC = 29, kHostV = 28;

struct FlagBits {
  unsigned guest, host;
};
constexpr FlagBits kFlagBits[] = {
    {kCarry, kHostC}, {kZero, kHostZ}, {kSign, kHostN}, {kOverflow, kHostV}};

bool set_if(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_place() || to.size != 1) return false;
  emit.with_condition(insn.mnemonic, [&](Condition c) { masm.Cset(reg::t1.W(), c); });
  if (to.is_memory()) emit.address(to.memory);
  emit.write(to, reg::t1);
  return true;
}

// The load happens where the condition is false, too, and so does the clearing of the upper half:
// as on x86.
bool move_if(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || !from.is_place() || from.size != to.size) return false;
  Register value = emit.read(from, reg::t1), old = emit.read(to, reg::t2);
  Register out = sized(reg::t1, to.size);
  emit.with_condition(insn.mnemonic, [&](Condition c) { masm.Csel(out, value, old, c); });
  emit.write(to, out);
  return true;
}

// RFLAGS as user code sees them; t4 to t6 are used.
void gather_flags(const LoweringContext& context, const Register& out) {
  const auto& [emit, masm, insn] = context;
  Register host = reg::t4, bit = reg::t5;
  masm.Mov(out, kAlways);
  masm.Mrs(host, NZCV);
  for (auto [guest_bit, host_bit] : kFlagBits) {
    masm.Lsr(bit, host, host_bit);
    masm.Bfi(out, bit, guest_bit, 1);
  }
  emit.get_parity(bit);
  masm.Bfi(out, bit, kParity, 1);
  masm.Ldrb(bit.W(), MemOperand(reg::frame, offsetof(Frame, adjust)));
  masm.Lsr(bit, bit, kAdjust);
  masm.Bfi(out, bit, kAdjust, 1);
  masm.Ldrb(bit.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
  masm.Lsr(bit, bit, 7);  // -1 is backwards
  masm.Bfi(out, bit, kDirection, 1);
  masm.Ldrb(bit.W(), MemOperand(reg::frame, offsetof(Frame, kept)));
  masm.Orr(out, out, vixl::aarch64::Operand(bit, LSL, kKept));
}

// The flags of the low byte, or `all`: OF and DF, too. t4 to t6 are used.
void scatter_flags(const LoweringContext& context, const Register& from, bool all) {
  const auto& [emit, masm, insn] = context;
  Register host = reg::t4, bit = reg::t5;
  masm.Mrs(host, NZCV);
  for (auto [guest_bit, host_bit] : kFlagBits) {
    if (guest_bit == kOverflow && !all) continue;
    masm.Lsr(bit, from, guest_bit);
    masm.Bfi(host, bit, host_bit, 1);
  }
  masm.Msr(NZCV, host);
  masm.Ubfx(bit, from, kParity, 1);
  masm.Eor(bit, bit, 1);  // one 1 is odd: PF clear
  emit.set_parity(bit);
  emit.set_adjust(from);
  if (!all) return;
  masm.Sbfx(bit, from, kDirection, 1);
  masm.Orr(bit, bit, 1);
  masm.Strb(bit.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
}

bool flags_to_ah(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  gather_flags(context, reg::t1);
  emit.write_register({0, true}, 1, reg::t1);
  return true;
}

bool flags_from_ah(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Lsr(reg::t1, x0, 8);
  scatter_flags(context, reg::t1, false);
  return true;
}

template <unsigned size>
bool push_flags(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  gather_flags(context, reg::t1);
  emit.push(reg::t1, size);
  return true;
}

template <unsigned size>
bool pop_flags(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  emit.pop(reg::t1, size);
  scatter_flags(context, reg::t1, true);
  if constexpr (size == 8) {
    masm.Ubfx(reg::t5, reg::t1, kKept, 4);
    masm.And(reg::t5, reg::t5, kKeptMask);
    masm.Strb(reg::t5.W(), MemOperand(reg::frame, offsetof(Frame, kept)));
  }
  return true;
}

template <int carry>
bool set_carry(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Mov(reg::t1, carry);
  emit.set_flags(reg::t1, CFlag);
  return true;
}

bool complement_carry(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Cfinv();
  return true;
}

template <int step>
bool set_direction(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Mov(reg::t1, step);
  masm.Strb(reg::t1.W(), MemOperand(reg::frame, offsetof(Frame, direction)));
  return true;
}

}  // namespace

#define MTETSO_CONDITION_ROWS(suffix) \
  {ZYDIS_MNEMONIC_SET##suffix, set_if}, {ZYDIS_MNEMONIC_CMOV##suffix, move_if},
LoweringRows flag_rows() {
  static constexpr LoweringRow rows[] = {
      MTETSO_CONDITIONS(MTETSO_CONDITION_ROWS)  // set and cmov
      {ZYDIS_MNEMONIC_LAHF, flags_to_ah},
      {ZYDIS_MNEMONIC_SAHF, flags_from_ah},
      {ZYDIS_MNEMONIC_PUSHF, push_flags<2>},
      {ZYDIS_MNEMONIC_PUSHFQ, push_flags<8>},
      {ZYDIS_MNEMONIC_POPF, pop_flags<2>},
      {ZYDIS_MNEMONIC_POPFQ, pop_flags<8>},
      {ZYDIS_MNEMONIC_CLC, set_carry<0>},
      {ZYDIS_MNEMONIC_STC, set_carry<1>},
      {ZYDIS_MNEMONIC_CMC, complement_carry},
      {ZYDIS_MNEMONIC_CLD, set_direction<1>},
      {ZYDIS_MNEMONIC_STD, set_direction<-1>},
  };
  return rows;
}
#undef MTETSO_CONDITION_ROWS

}  // namespace mtetso
