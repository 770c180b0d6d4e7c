// SPDX-License-Identifier: MIT
//
// SSE2 on integers: logic, arithmetic, comparisons, shifts.

#include <algorithm>

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

using Two = void (MacroAssembler::*)(const VRegister&, const VRegister&);
using Three = void (MacroAssembler::*)(const VRegister&, const VRegister&, const VRegister&);

// to := to op from, elements of `format`
template <Three op, VectorFormat format>
bool binary(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  (masm.*op)(as(to, format), as(to, format), as(from, format));
  return true;
}

// to := from & ~to
bool and_not(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  masm.Bic(to.V16B(), from.V16B(), to.V16B());
  return true;
}

// Products of the low halves and of the high halves, as `combine` makes one vector of them.
template <Three low, Three high, typename Combine>
bool products(const LoweringContext& context, Combine combine) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  (masm.*low)(reg::v1.V4S(), to.V4H(), from.V4H());
  (masm.*high)(reg::v2.V4S(), to.V8H(), from.V8H());
  combine(masm, to);
  return true;
}

template <Three low, Three high>
bool multiply_high(const LoweringContext& context) {
  return products<low, high>(context, [](MacroAssembler& masm, const VRegister& to) {
    masm.Uzp2(to.V8H(), reg::v1.V8H(), reg::v2.V8H());
  });
}

bool multiply_add(const LoweringContext& context) {
  constexpr Three kLow = &MacroAssembler::Smull, kHigh = &MacroAssembler::Smull2;
  return products<kLow, kHigh>(context, [](MacroAssembler& masm, const VRegister& to) {
    masm.Addp(to.V4S(), reg::v1.V4S(), reg::v2.V4S());
  });
}

// pmuludq: the even elements
bool multiply_wide(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  masm.Xtn(reg::v1.V2S(), to.V2D());
  masm.Xtn(reg::v2.V2S(), from.V2D());
  masm.Umull(to.V2D(), reg::v1.V2S(), reg::v2.V2S());
  return true;
}

bool sum_differences(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  masm.Uabd(reg::v1.V16B(), to.V16B(), from.V16B());
  masm.Uaddlp(reg::v1.V8H(), reg::v1.V16B());
  masm.Uaddlp(reg::v1.V4S(), reg::v1.V8H());
  masm.Uaddlp(to.V2D(), reg::v1.V4S());
  return true;
}

// packsswb and the like: `narrow` of the first operand to the low half, of the second to the high.
template <Two narrow, Two narrow_high, VectorFormat wide, VectorFormat half, VectorFormat full>
bool pack(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b), to = xmm(insn.op[0]);
  (masm.*narrow)(as(reg::v1, half), as(to, wide));
  (masm.*narrow_high)(as(reg::v1, full), as(from, wide));
  masm.Mov(to.V16B(), reg::v1.V16B());
  return true;
}

enum class Shift : uint8_t { Left, Right, RightSigned };

// The count is an immediate, or the low 64 bits of a vector. One that is not below the width shifts
// all bits out. USHL and SSHL take it from the low byte of each element, negative to the right.
template <Shift kind, VectorFormat format>
bool shift(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& count = insn.op[1];
  constexpr int kWidth = format == kFormat8H ? 16 : format == kFormat4S ? 32 : 64;
  if (!insn.op[0].is_vector()) return false;
  const VRegister to = as(xmm(insn.op[0]), format);
  if (count.is_immediate()) {
    const int by = static_cast<int>(count.immediate & 0xff);
    if (by == 0) return true;
    if (kind == Shift::RightSigned)
      masm.Sshr(to, to, std::min(by, kWidth));
    else if (by >= kWidth)
      masm.Movi(to.V2D(), 0);
    else if (kind == Shift::Left)
      masm.Shl(to, to, by);
    else
      masm.Ushr(to, to, by);
    return true;
  }
  if (!has_vector_operands(insn)) return false;
  const VRegister from = emit.read_vector(count, 16, reg::b), by = reg::v1;
  masm.Uqxtn(by.V2S(), from.V2D());
  masm.Uqxtn(by.V4H(), by.V4S());
  masm.Uqxtn(by.V8B(), by.V8H());
  masm.Movi(reg::v2.V8B(), 64);
  masm.Umin(by.V8B(), by.V8B(), reg::v2.V8B());
  if (kind != Shift::Left) masm.Neg(by.V8B(), by.V8B());
  masm.Dup(by.V16B(), by.V16B(), 0);
  if (kind == Shift::RightSigned)
    masm.Sshl(to, to, as(by, format));
  else
    masm.Ushl(to, to, as(by, format));
  return true;
}

// pslldq, psrldq: by bytes.
template <Shift kind>
bool shift_bytes(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_vector() || !insn.op[1].is_immediate()) return false;
  const VRegister to = xmm(insn.op[0]).V16B(), zeros = reg::v1.V16B();
  const int by = static_cast<int>(insn.op[1].immediate & 0xff);
  if (by == 0) return true;
  masm.Movi(zeros.V2D(), 0);
  if (by > 15)
    masm.Mov(to, zeros);
  else if (kind == Shift::Left)
    masm.Ext(to, zeros, to, 16 - by);
  else
    masm.Ext(to, to, zeros, by);
  return true;
}

}  // namespace

LoweringRows vector_rows() {
  using M = MacroAssembler;
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_ANDPS, binary<&M::And, kFormat16B>},
      {ZYDIS_MNEMONIC_ANDPD, binary<&M::And, kFormat16B>},
      {ZYDIS_MNEMONIC_PAND, binary<&M::And, kFormat16B>},
      {ZYDIS_MNEMONIC_ANDNPS, and_not},
      {ZYDIS_MNEMONIC_ANDNPD, and_not},
      {ZYDIS_MNEMONIC_PANDN, and_not},
      {ZYDIS_MNEMONIC_ORPS, binary<&M::Orr, kFormat16B>},
      {ZYDIS_MNEMONIC_ORPD, binary<&M::Orr, kFormat16B>},
      {ZYDIS_MNEMONIC_POR, binary<&M::Orr, kFormat16B>},
      {ZYDIS_MNEMONIC_XORPS, binary<&M::Eor, kFormat16B>},
      {ZYDIS_MNEMONIC_XORPD, binary<&M::Eor, kFormat16B>},
      {ZYDIS_MNEMONIC_PXOR, binary<&M::Eor, kFormat16B>},
      {ZYDIS_MNEMONIC_PADDB, binary<&M::Add, kFormat16B>},
      {ZYDIS_MNEMONIC_PADDW, binary<&M::Add, kFormat8H>},
      {ZYDIS_MNEMONIC_PADDD, binary<&M::Add, kFormat4S>},
      {ZYDIS_MNEMONIC_PADDQ, binary<&M::Add, kFormat2D>},
      {ZYDIS_MNEMONIC_PADDSB, binary<&M::Sqadd, kFormat16B>},
      {ZYDIS_MNEMONIC_PADDSW, binary<&M::Sqadd, kFormat8H>},
      {ZYDIS_MNEMONIC_PADDUSB, binary<&M::Uqadd, kFormat16B>},
      {ZYDIS_MNEMONIC_PADDUSW, binary<&M::Uqadd, kFormat8H>},
      {ZYDIS_MNEMONIC_PSUBB, binary<&M::Sub, kFormat16B>},
      {ZYDIS_MNEMONIC_PSUBW, binary<&M::Sub, kFormat8H>},
      {ZYDIS_MNEMONIC_PSUBD, binary<&M::Sub, kFormat4S>},
      {ZYDIS_MNEMONIC_PSUBQ, binary<&M::Sub, kFormat2D>},
      {ZYDIS_MNEMONIC_PSUBSB, binary<&M::Sqsub, kFormat16B>},
      {ZYDIS_MNEMONIC_PSUBSW, binary<&M::Sqsub, kFormat8H>},
      {ZYDIS_MNEMONIC_PSUBUSB, binary<&M::Uqsub, kFormat16B>},
      {ZYDIS_MNEMONIC_PSUBUSW, binary<&M::Uqsub, kFormat8H>},
      {ZYDIS_MNEMONIC_PCMPEQB, binary<&M::Cmeq, kFormat16B>},
      {ZYDIS_MNEMONIC_PCMPEQW, binary<&M::Cmeq, kFormat8H>},
      {ZYDIS_MNEMONIC_PCMPEQD, binary<&M::Cmeq, kFormat4S>},
      {ZYDIS_MNEMONIC_PCMPGTB, binary<&M::Cmgt, kFormat16B>},
      {ZYDIS_MNEMONIC_PCMPGTW, binary<&M::Cmgt, kFormat8H>},
      {ZYDIS_MNEMONIC_PCMPGTD, binary<&M::Cmgt, kFormat4S>},
      {ZYDIS_MNEMONIC_PMINUB, binary<&M::Umin, kFormat16B>},
      {ZYDIS_MNEMONIC_PMINSW, binary<&M::Smin, kFormat8H>},
      {ZYDIS_MNEMONIC_PMAXUB, binary<&M::Umax, kFormat16B>},
      {ZYDIS_MNEMONIC_PMAXSW, binary<&M::Smax, kFormat8H>},
      {ZYDIS_MNEMONIC_PAVGB, binary<&M::Urhadd, kFormat16B>},
      {ZYDIS_MNEMONIC_PAVGW, binary<&M::Urhadd, kFormat8H>},
      {ZYDIS_MNEMONIC_PMULLW, binary<&M::Mul, kFormat8H>},
      {ZYDIS_MNEMONIC_PMULHW, multiply_high<&M::Smull, &M::Smull2>},
      {ZYDIS_MNEMONIC_PMULHUW, multiply_high<&M::Umull, &M::Umull2>},
      {ZYDIS_MNEMONIC_PMULUDQ, multiply_wide},
      {ZYDIS_MNEMONIC_PMADDWD, multiply_add},
      {ZYDIS_MNEMONIC_PSADBW, sum_differences},
      {ZYDIS_MNEMONIC_PACKSSWB, pack<&M::Sqxtn, &M::Sqxtn2, kFormat8H, kFormat8B, kFormat16B>},
      {ZYDIS_MNEMONIC_PACKUSWB, pack<&M::Sqxtun, &M::Sqxtun2, kFormat8H, kFormat8B, kFormat16B>},
      {ZYDIS_MNEMONIC_PACKSSDW, pack<&M::Sqxtn, &M::Sqxtn2, kFormat4S, kFormat4H, kFormat8H>},
      {ZYDIS_MNEMONIC_PSLLW, shift<Shift::Left, kFormat8H>},
      {ZYDIS_MNEMONIC_PSLLD, shift<Shift::Left, kFormat4S>},
      {ZYDIS_MNEMONIC_PSLLQ, shift<Shift::Left, kFormat2D>},
      {ZYDIS_MNEMONIC_PSRLW, shift<Shift::Right, kFormat8H>},
      {ZYDIS_MNEMONIC_PSRLD, shift<Shift::Right, kFormat4S>},
      {ZYDIS_MNEMONIC_PSRLQ, shift<Shift::Right, kFormat2D>},
      {ZYDIS_MNEMONIC_PSRAW, shift<Shift::RightSigned, kFormat8H>},
      {ZYDIS_MNEMONIC_PSRAD, shift<Shift::RightSigned, kFormat4S>},
      {ZYDIS_MNEMONIC_PSLLDQ, shift_bytes<Shift::Left>},
      {ZYDIS_MNEMONIC_PSRLDQ, shift_bytes<Shift::Right>},
  };
  return rows;
}

}  // namespace mtetso
