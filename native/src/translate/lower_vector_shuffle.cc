// SPDX-License-Identifier: MIT
//
// SSE and SSE2: elements put elsewhere.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// unpck, punpck: elements of the low or high halves in turn.
template <bool high, VectorFormat format>
bool interleave(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister from = as(emit.read_vector(insn.op[1], 16, reg::b), format);
  const VRegister to = as(xmm(insn.op[0]), format);
  if (high)
    masm.Zip2(to, to, from);
  else
    masm.Zip1(to, to, from);
  return true;
}

// Element `to` of the result is element (immediate >> bits * to) of one of two sources.
struct Choice {
  unsigned immediate;
  int bits;
  int operator()(int to) const {
    return static_cast<int>(immediate >> (bits * to)) & ((1 << bits) - 1);
  }
};

bool has_choice(const GuestInstruction& insn) {
  return has_vector_operands(insn) && insn.op[2].is_immediate();
}
Choice choice(const GuestInstruction& insn, int bits) {
  return {static_cast<unsigned>(insn.op[2].immediate & 0xff), bits};
}

bool shuffle_words(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_choice(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b).V4S();
  const VRegister to = xmm(insn.op[0]).V4S(), made = reg::v1.V4S();
  const Choice of = choice(insn, 2);
  masm.Dup(made, from, of(0));
  for (int i = 1; i < 4; ++i)
    if (of(i) != of(0)) masm.Ins(made, i, from, of(i));
  masm.Mov(to.V16B(), made.V16B());
  return true;
}

// pshuflw, pshufhw: the half words of one half; the other one is copied.
template <int half>
bool shuffle_half(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_choice(insn)) return false;
  const VRegister from = emit.read_vector(insn.op[1], 16, reg::b).V8H(), made = reg::v1.V8H();
  const Choice of = choice(insn, 2);
  masm.Mov(made.V16B(), from.V16B());
  for (int i = 0; i < 4; ++i)
    if (of(i) != i) masm.Ins(made, 4 * half + i, from, 4 * half + of(i));
  masm.Mov(xmm(insn.op[0]).V16B(), made.V16B());
  return true;
}

// shufps, shufpd: the low half from the first operand, the high half from the second.
template <VectorFormat format>
bool shuffle_two(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_choice(insn)) return false;
  constexpr int kElements = format == kFormat4S ? 4 : 2, kBits = kElements / 2;
  const VRegister from = as(emit.read_vector(insn.op[1], 16, reg::b), format);
  const VRegister to = as(xmm(insn.op[0]), format), made = as(reg::v1, format);
  const Choice of = choice(insn, kBits);
  for (int i = 0; i < kElements; ++i) masm.Ins(made, i, i < kElements / 2 ? to : from, of(i));
  masm.Mov(to.V16B(), made.V16B());
  return true;
}

bool extract(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || !insn.op[1].is_vector() || !insn.op[2].is_immediate())
    return false;
  const int place = static_cast<int>(insn.op[2].immediate & 7);
  masm.Umov(guest(insn.op[0].reg.index).W(), xmm(insn.op[1]).V8H(), place);
  return true;
}

bool insert(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& from = insn.op[1];
  if (!insn.op[0].is_vector() || !insn.op[2].is_immediate()) return false;
  if (!from.is_register() && !from.is_memory()) return false;
  Register value = guest(from.reg.index);
  if (from.is_memory()) {
    value = reg::t1;
    emit.address(from.memory);
    emit.load(value, 2);
  }
  masm.Ins(xmm(insn.op[0]).V8H(), static_cast<int>(insn.op[2].immediate & 7), value.W());
  return true;
}

}  // namespace

LoweringRows vector_shuffle_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_PUNPCKLBW, interleave<false, kFormat16B>},
      {ZYDIS_MNEMONIC_PUNPCKLWD, interleave<false, kFormat8H>},
      {ZYDIS_MNEMONIC_PUNPCKLDQ, interleave<false, kFormat4S>},
      {ZYDIS_MNEMONIC_PUNPCKLQDQ, interleave<false, kFormat2D>},
      {ZYDIS_MNEMONIC_UNPCKLPS, interleave<false, kFormat4S>},
      {ZYDIS_MNEMONIC_UNPCKLPD, interleave<false, kFormat2D>},
      {ZYDIS_MNEMONIC_PUNPCKHBW, interleave<true, kFormat16B>},
      {ZYDIS_MNEMONIC_PUNPCKHWD, interleave<true, kFormat8H>},
      {ZYDIS_MNEMONIC_PUNPCKHDQ, interleave<true, kFormat4S>},
      {ZYDIS_MNEMONIC_PUNPCKHQDQ, interleave<true, kFormat2D>},
      {ZYDIS_MNEMONIC_UNPCKHPS, interleave<true, kFormat4S>},
      {ZYDIS_MNEMONIC_UNPCKHPD, interleave<true, kFormat2D>},
      {ZYDIS_MNEMONIC_PSHUFD, shuffle_words},
      {ZYDIS_MNEMONIC_PSHUFLW, shuffle_half<0>},
      {ZYDIS_MNEMONIC_PSHUFHW, shuffle_half<1>},
      {ZYDIS_MNEMONIC_SHUFPS, shuffle_two<kFormat4S>},
      {ZYDIS_MNEMONIC_SHUFPD, shuffle_two<kFormat2D>},
      {ZYDIS_MNEMONIC_PEXTRW, extract},
      {ZYDIS_MNEMONIC_PINSRW, insert},
  };
  return rows;
}

}  // namespace mtetso
