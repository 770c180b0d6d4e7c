// SPDX-License-Identifier: MIT
//
// Guest flags: CF, ZF, SF and OF in NZCV, PF and AF in the frame.

#include <stdexcept>

#include "translate/emitter.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT: the instruction set is the vocabulary here

namespace {

constexpr uint32_t kBranchIf = 0x54000000;  // B.cond

// How AArch64 tests an x86 condition. "Below or equal" is C or Z in x86's sense; AArch64's LS is
// (not C) or Z: right while the carry is inverted, which is undone afterwards. Parity is not a flag
// here: it is compared with 0, with the flags saved meanwhile.
struct HostCondition {
  Condition condition;
  enum class How : uint8_t { Plain, InvertCarry, Parity } how = How::Plain;
};

HostCondition condition_of(ZydisMnemonic mnemonic) {
  using How = HostCondition::How;
  switch (mnemonic) {
#define CONDITION(suffix, ...)      \
  case ZYDIS_MNEMONIC_J##suffix:    \
  case ZYDIS_MNEMONIC_SET##suffix:  \
  case ZYDIS_MNEMONIC_CMOV##suffix: \
    return HostCondition{__VA_ARGS__};
    CONDITION(O, vs)
    CONDITION(NO, vc)
    CONDITION(B, cs)
    CONDITION(NB, cc)
    CONDITION(Z, eq)
    CONDITION(NZ, ne)
    CONDITION(BE, ls, How::InvertCarry)
    CONDITION(NBE, hi, How::InvertCarry)
    CONDITION(S, mi)
    CONDITION(NS, pl)
    CONDITION(P, ne, How::Parity)
    CONDITION(NP, eq, How::Parity)
    CONDITION(L, lt)
    CONDITION(NL, ge)
    CONDITION(LE, le)
    CONDITION(NLE, gt)
#undef CONDITION
    default:
      throw std::logic_error("no condition of the subset");
  }
}

}  // namespace

void Emitter::set_flags(const Register& bit, StatusFlags flags) {
  // RMIF rotates right by an immediate and inserts bits 3:0 into NZCV under the mask.
  int place = flags == NFlag ? 3 : flags == ZFlag ? 2 : flags == CFlag ? 1 : 0;
  masm_.Rmif(bit.X(), (64 - place) % 64, flags);
}

void Emitter::set_parity(const Register& result) {
  masm_.store_byte(result.W(), reg::frame, offsetof(Frame, parity));
}

void Emitter::set_adjust(const Register& bits) {
  masm_.store_byte(bits.W(), reg::frame, offsetof(Frame, adjust));
}

void Emitter::get_parity(const Register& out) {
  Register bits = out.W();
  masm_.Ldrb(bits, MemOperand(reg::frame, offsetof(Frame, parity)));
  for (unsigned half : {4u, 2u, 1u}) masm_.Eor(bits, bits, a64::Operand(bits, LSR, half));
  masm_.And(bits, bits, 1);
  masm_.Eor(bits, bits, 1);
}

void Emitter::with_condition(ZydisMnemonic of, const std::function<void(Condition)>& use) {
  const HostCondition known = condition_of(of);
  switch (known.how) {
    case HostCondition::How::Plain:
      use(known.condition);
      break;
    case HostCondition::How::InvertCarry:
      masm_.Cfinv();
      use(known.condition);
      masm_.Cfinv();
      break;
    case HostCondition::How::Parity:
      masm_.Mrs(reg::t6, NZCV);
      get_parity(reg::t5);
      masm_.Tst(reg::t5, reg::t5);
      use(known.condition);
      masm_.Msr(NZCV, reg::t6);
      break;
  }
}

void Emitter::branch_if(ZydisMnemonic jcc, uint64_t rip) {
  const HostCondition known = condition_of(jcc);
  if (known.how == HostCondition::How::Plain) {
    // Over what is the same in all cases but for its length.
    masm_.ensure(1);
    const uint32_t over = offset(), condition = InvertCondition(known.condition);
    masm_.word(kBranchIf | condition);
    jump_to(rip);
    const uint32_t words = (offset() - over) / kInstructionSize;
    masm_.set_word(over, kBranchIf | words << 5 | condition);
    return;
  }
  Label no;
  with_condition(jcc, [&](Condition c) { masm_.Cset(reg::target.W(), c); });
  masm_.Cbz(reg::target.W(), &no);
  jump_to(rip);
  masm_.Bind(&no);
}

}  // namespace mtetso
