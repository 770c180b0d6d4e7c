// SPDX-License-Identifier: MIT
//
// MMX: integers in the significands of x87's registers. An operation on 8 bytes is that of SSE2 on
// 16 with operands whose upper halves do not matter: its function is used, on temporaries.
//
// Rules: Intel SDM volume 1, 9.5 and 9.6; volume 2 for each instruction.

#include <algorithm>

#include "float/x87.h"
#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

constexpr unsigned kBytes = 8;
// Where the operands are while SSE2's function works on them. The second one is where that function
// would read memory to.
const VRegister first = v22, second = reg::b;

// Register i of x87, whatever TOP is.
MemOperand field(uint8_t index, size_t offset) {
  const size_t place = offsetof(Frame, x87) + offsetof(X87State, registers);
  return MemOperand(reg::frame, static_cast<int64_t>(place + sizeof(Extended) * index + offset));
}

Operand vector(const VRegister& of) {
  Operand operand;
  operand.kind = Operand::Kind::Vector;
  operand.size = 2 * kBytes;
  operand.reg.index = static_cast<uint8_t>(of.GetCode());
  return operand;
}

// Reads an operand that is an MMX register, and memory where `memory` says so, and puts the
// temporary in its place.
void take(const LoweringContext& context, Operand& operand, const VRegister& to, bool memory) {
  const auto& [emit, masm, insn] = context;
  if (operand.is_mmx()) {
    masm.Ldr(to.D(), field(operand.reg.index, offsetof(Extended, significand)));
  } else if (memory && operand.is_memory()) {
    emit.address(operand.memory);
    emit.load_vector(to, std::min<unsigned>(operand.size, kBytes));
  } else {
    return;
  }
  operand = vector(to);
}

MemOperand state(size_t offset) {
  return MemOperand(reg::frame, static_cast<int64_t>(offsetof(Frame, x87) + offset));
}

// After any of these instructions TOP is 0 and no register is empty; one that was written is not a
// number.
void finish(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Strb(wzr, state(offsetof(X87State, top)));
  masm.Mov(reg::t1.W(), 0xffff);
  masm.Strb(reg::t1.W(), state(offsetof(X87State, full)));
  if (!insn.op[0].is_mmx() || insn.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ) return;
  masm.Str(first.D(), field(insn.op[0].reg.index, offsetof(Extended, significand)));
  masm.Strh(reg::t1.W(), field(insn.op[0].reg.index, offsetof(Extended, sign_exponent)));
}

using Step = void (*)(MacroAssembler&);

void nothing(MacroAssembler&) {}
void both_in_one(MacroAssembler& masm) { masm.Ins(first.V2D(), 1, second.V2D(), 0); }
void as_high_halves(MacroAssembler& masm) {
  masm.Dup(first.V2D(), first.V2D(), 0);
  masm.Dup(second.V2D(), second.V2D(), 0);
}
void take_high_half(MacroAssembler& masm) { masm.Mov(first.D(), first.V2D(), 1); }

// `like`: the instruction of SSE2 whose function it is; by default the one of the same name.
template <bool memory, Step before = nothing, Step after = nothing,
          ZydisMnemonic like = ZYDIS_MNEMONIC_INVALID>
bool as_vectors(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const LowerFunction function = lowering_of(like == ZYDIS_MNEMONIC_INVALID ? insn.mnemonic : like);
  if (function == nullptr) return false;
  GuestInstruction changed = insn;
  if (insn.op[1].kind == Operand::Kind::Other) return false;
  take(context, changed.op[0], first, false);
  take(context, changed.op[1], second, memory);
  // The number of one of four words.
  if (insn.mnemonic == ZYDIS_MNEMONIC_PEXTRW || insn.mnemonic == ZYDIS_MNEMONIC_PINSRW)
    changed.op[2].immediate &= 3;
  before(masm);
  if (!function({emit, masm, changed})) return false;
  after(masm);
  finish(context);
  return true;
}

// cvtpi2ps: the rest of the vector register is kept.
bool singles(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  GuestInstruction changed = insn;
  changed.op[0] = vector(first);
  take(context, changed.op[1], second, true);
  if (!lowering_of(ZYDIS_MNEMONIC_CVTDQ2PS)({emit, masm, changed})) return false;
  masm.Ins(xmm(insn.op[0]).V2D(), 0, first.V2D(), 0);
  if (insn.op[1].is_mmx()) finish(context);
  return true;
}

// cvtpi2pd: of memory it is no instruction of MMX.
bool doubles(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  GuestInstruction changed = insn;
  take(context, changed.op[1], second, true);
  if (!lowering_of(ZYDIS_MNEMONIC_CVTDQ2PD)({emit, masm, changed})) return false;
  if (insn.op[1].is_mmx()) finish(context);
  return true;
}

// cvtps2pi, cvttps2pi: two numbers, the others are zeros.
template <ZydisMnemonic like>
bool from_singles(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  GuestInstruction changed = insn;
  changed.op[0] = vector(first);
  if (insn.op[1].is_vector()) {
    masm.Mov(second.V8B(), xmm(insn.op[1]).V8B());
    changed.op[1] = vector(second);
  } else {
    take(context, changed.op[1], second, true);
  }
  if (!lowering_of(like)({emit, masm, changed})) return false;
  finish(context);
  return true;
}

bool end(const LoweringContext& context) {
  context.masm.Strb(wzr, state(offsetof(X87State, top)));
  context.masm.Strb(wzr, state(offsetof(X87State, full)));
  return true;
}

}  // namespace

#define OPERATION(NAME) \
  { ZYDIS_MNEMONIC_##NAME, as_vectors<true> }
#define MOVE(NAME) \
  { ZYDIS_MNEMONIC_##NAME, as_vectors<false> }
#define MOVE_AS(NAME, LIKE) \
  { ZYDIS_MNEMONIC_##NAME, as_vectors<false, nothing, nothing, ZYDIS_MNEMONIC_##LIKE> }
#define PACK(NAME) \
  { ZYDIS_MNEMONIC_##NAME, as_vectors<true, both_in_one> }
#define HIGH(NAME) \
  { ZYDIS_MNEMONIC_##NAME, as_vectors<true, as_high_halves, take_high_half> }

LoweringRows mmx_rows() {
  constexpr Step kNo = nothing;
  static constexpr LoweringRow rows[] = {
      OPERATION(PADDB),
      OPERATION(PADDW),
      OPERATION(PADDD),
      OPERATION(PADDQ),
      OPERATION(PADDSB),
      OPERATION(PADDSW),
      OPERATION(PADDUSB),
      OPERATION(PADDUSW),
      OPERATION(PSUBB),
      OPERATION(PSUBW),
      OPERATION(PSUBD),
      OPERATION(PSUBQ),
      OPERATION(PSUBSB),
      OPERATION(PSUBSW),
      OPERATION(PSUBUSB),
      OPERATION(PSUBUSW),
      OPERATION(PCMPEQB),
      OPERATION(PCMPEQW),
      OPERATION(PCMPEQD),
      OPERATION(PCMPGTB),
      OPERATION(PCMPGTW),
      OPERATION(PCMPGTD),
      OPERATION(PMINUB),
      OPERATION(PMINSW),
      OPERATION(PMAXUB),
      OPERATION(PMAXSW),
      OPERATION(PAVGB),
      OPERATION(PAVGW),
      OPERATION(PAND),
      OPERATION(PANDN),
      OPERATION(POR),
      OPERATION(PXOR),
      OPERATION(PMULLW),
      OPERATION(PMULHW),
      OPERATION(PMULHUW),
      OPERATION(PMULUDQ),
      OPERATION(PMADDWD),
      OPERATION(PSADBW),
      OPERATION(PSLLW),
      OPERATION(PSLLD),
      OPERATION(PSLLQ),
      OPERATION(PSRLW),
      OPERATION(PSRLD),
      OPERATION(PSRLQ),
      OPERATION(PSRAW),
      OPERATION(PSRAD),
      OPERATION(PUNPCKLBW),
      OPERATION(PUNPCKLWD),
      OPERATION(PUNPCKLDQ),
      HIGH(PUNPCKHBW),
      HIGH(PUNPCKHWD),
      HIGH(PUNPCKHDQ),
      PACK(PACKSSWB),
      PACK(PACKUSWB),
      PACK(PACKSSDW),
      {ZYDIS_MNEMONIC_PSHUFW, as_vectors<true, kNo, kNo, ZYDIS_MNEMONIC_PSHUFLW>},
      MOVE(MOVD),
      MOVE(MOVQ),
      MOVE(PMOVMSKB),
      MOVE(PEXTRW),
      MOVE(PINSRW),
      MOVE_AS(MOVNTQ, MOVQ),
      MOVE_AS(MOVQ2DQ, MOVQ),
      MOVE_AS(MOVDQ2Q, MOVQ),
      MOVE_AS(MASKMOVQ, MASKMOVDQU),
      {ZYDIS_MNEMONIC_CVTPI2PS, singles},
      {ZYDIS_MNEMONIC_CVTPI2PD, doubles},
      {ZYDIS_MNEMONIC_CVTPS2PI, from_singles<ZYDIS_MNEMONIC_CVTPS2DQ>},
      {ZYDIS_MNEMONIC_CVTTPS2PI, from_singles<ZYDIS_MNEMONIC_CVTTPS2DQ>},
      MOVE_AS(CVTPD2PI, CVTPD2DQ),
      MOVE_AS(CVTTPD2PI, CVTTPD2DQ),
      {ZYDIS_MNEMONIC_EMMS, end},
  };
  return rows;
}

#undef OPERATION
#undef MOVE
#undef MOVE_AS
#undef PACK
#undef HIGH

}  // namespace mtetso
