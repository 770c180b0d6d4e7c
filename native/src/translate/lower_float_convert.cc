// SPDX-License-Identifier: MIT
//
// SSE and SSE2: conversions. FRINT32 and FRINT64 (FEAT_FRINTTS, which every core with MTE has) are
// made for x86's: what does not fit is the most negative integer, and raises Invalid alone.

#include "translate/float_operation.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

constexpr Elements kPs{false, true}, kPd{true, true}, kSs{false, false}, kSd{true, false};

VRegister finish_low(const LoweringContext& context, const Elements& of) {
  const VRegister to = xmm(context.insn.op[0]);
  context.masm.Ins(of.all(to), 0, of.all(reg::result), 0);
  return to;
}

// cvtps2pd, cvtss2sd
template <bool packed>
bool widen(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], packed ? 8 : 4, reg::b);
  if (packed)
    masm.Fcvtl(reg::result.V2D(), b.V2S());
  else
    masm.Fcvt(reg::result.D(), b.S());
  const FloatWork work{FloatOp::Widen, false, static_cast<uint8_t>(packed ? 2 : 1), 0};
  FloatOperation(context, work, packed ? kPd : kSd).check(Right::Any, b, b);
  if (packed)
    masm.Mov(xmm(insn.op[0]).V16B(), reg::result.V16B());
  else
    finish_low(context, kSd);
  return true;
}

// cvtpd2ps, cvtsd2ss
template <bool packed>
bool narrow(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], packed ? 16 : 8, reg::b);
  if (packed)
    masm.Fcvtn(reg::result.V2S(), b.V2D());
  else
    masm.Fcvt(reg::result.S(), b.D());
  const FloatWork work{FloatOp::Narrow, true, static_cast<uint8_t>(packed ? 2 : 1), 0};
  FloatOperation(context, work, packed ? kPs : kSs).check(Right::Normal, b, b);
  if (packed)
    masm.Mov(xmm(insn.op[0]).V16B(), reg::result.V16B());
  else
    finish_low(context, kSs);
  return true;
}

// cvtps2dq, cvtpd2dq and those that truncate
template <bool truncates, bool is_double>
bool to_integers(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  constexpr Elements from = is_double ? kPd : kPs;
  const VRegister b = emit.read_vector(insn.op[1], 16, reg::b), made = from.all(reg::result);
  if (truncates)
    masm.Frint32z(made, from.all(b));
  else
    masm.Frint32x(made, from.all(b));
  masm.Fcvtzs(made, made);
  if (is_double) masm.Xtn(reg::result.V2S(), made);
  FloatOperation(context, from.work(truncates ? FloatOp::Truncate : FloatOp::ToInteger, 4), from)
      .check(Right::Any, b, b);
  masm.Mov(xmm(insn.op[0]).V16B(), reg::result.V16B());
  return true;
}

// cvtss2si, cvtsd2si and those that truncate
template <bool truncates, bool is_double>
bool to_integer(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (!to.is_register() || (!from.is_vector() && !from.is_memory())) return false;
  constexpr Elements elements = is_double ? kSd : kSs;
  const VRegister b = emit.read_vector(from, elements.bytes(), reg::b);
  const VRegister whole = elements.numbers(reg::result), source = elements.numbers(b);
  if (to.size == 8 && truncates)
    masm.Frint64z(whole, source);
  else if (to.size == 8)
    masm.Frint64x(whole, source);
  else if (truncates)
    masm.Frint32z(whole, source);
  else
    masm.Frint32x(whole, source);
  masm.Fcvtzs(sized(reg::t2, to.size), whole);
  masm.Fmov(reg::result.D(), reg::t2);
  FloatOperation(
      context, elements.work(truncates ? FloatOp::Truncate : FloatOp::ToInteger, to.size), elements)
      .check(Right::Any, b, b);
  if (to.size == 8)
    masm.Fmov(guest(to.reg.index), reg::result.D());
  else
    masm.Fmov(guest(to.reg.index).W(), reg::result.S());
  return true;
}

bool single_from_integers(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], 16, reg::b);
  masm.Scvtf(reg::result.V4S(), b.V4S());
  FloatOperation(context, kPs.work(FloatOp::FromInteger, 4), kPs).check(Right::Any, b, b);
  masm.Mov(xmm(insn.op[0]).V16B(), reg::result.V16B());
  return true;
}

// Exact.
bool double_from_integers(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], 8, reg::b);
  masm.Sxtl(reg::result.V2D(), b.V2S());
  masm.Scvtf(xmm(insn.op[0]).V2D(), reg::result.V2D());
  return true;
}

// cvtsi2ss, cvtsi2sd
template <bool is_double>
bool from_integer(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& from = insn.op[1];
  if (!insn.op[0].is_vector() || !from.is_place() || from.size < 4) return false;
  constexpr Elements elements = is_double ? kSd : kSs;
  const Register value = emit.read(from, reg::t2);
  masm.Scvtf(elements.numbers(reg::result), value);
  if (!is_double || from.size == 8) {
    masm.Fmov(from.size == 8 ? reg::b.D() : reg::b.S(), value);
    FloatOperation(context, elements.work(FloatOp::FromInteger, from.size), elements)
        .check(Right::Any, reg::b, reg::b);
  }
  finish_low(context, elements);
  return true;
}

}  // namespace

LoweringRows float_convert_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_CVTPS2PD, widen<true>},
      {ZYDIS_MNEMONIC_CVTSS2SD, widen<false>},
      {ZYDIS_MNEMONIC_CVTPD2PS, narrow<true>},
      {ZYDIS_MNEMONIC_CVTSD2SS, narrow<false>},
      {ZYDIS_MNEMONIC_CVTPS2DQ, to_integers<false, false>},
      {ZYDIS_MNEMONIC_CVTTPS2DQ, to_integers<true, false>},
      {ZYDIS_MNEMONIC_CVTPD2DQ, to_integers<false, true>},
      {ZYDIS_MNEMONIC_CVTTPD2DQ, to_integers<true, true>},
      {ZYDIS_MNEMONIC_CVTSS2SI, to_integer<false, false>},
      {ZYDIS_MNEMONIC_CVTTSS2SI, to_integer<true, false>},
      {ZYDIS_MNEMONIC_CVTSD2SI, to_integer<false, true>},
      {ZYDIS_MNEMONIC_CVTTSD2SI, to_integer<true, true>},
      {ZYDIS_MNEMONIC_CVTDQ2PS, single_from_integers},
      {ZYDIS_MNEMONIC_CVTDQ2PD, double_from_integers},
      {ZYDIS_MNEMONIC_CVTSI2SS, from_integer<false>},
      {ZYDIS_MNEMONIC_CVTSI2SD, from_integer<true>},
  };
  return rows;
}

}  // namespace mtetso
