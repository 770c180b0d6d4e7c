// SPDX-License-Identifier: MIT
//
// SSE and SSE2 on floating-point numbers: arithmetic, comparisons.

#include "translate/float_operation.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

constexpr Elements kPs{false, true}, kPd{true, true}, kSs{false, false}, kSd{true, false};

using Three = void (MacroAssembler::*)(const VRegister&, const VRegister&, const VRegister&);

// The result to the first operand, of which instructions on one element keep the rest.
void finish(const LoweringContext& context, const Elements& elements) {
  const auto& [emit, masm, insn] = context;
  const VRegister to = xmm(insn.op[0]);
  if (elements.packed)
    masm.Mov(to.V16B(), reg::result.V16B());
  else
    masm.Ins(elements.all(to), 0, elements.all(reg::result), 0);
}

template <FloatOp op, Three on_host, Elements elements>
bool arithmetic(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister a = xmm(insn.op[0]);
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  (masm.*on_host)(elements.numbers(reg::result), elements.numbers(a), elements.numbers(b));
  constexpr bool sums = op == FloatOp::Add || op == FloatOp::Subtract;  // tiny ones are exact
  FloatOperation(context, elements.work(op), elements)
      .check(sums ? Right::Numbers : Right::Normal, a, b);
  finish(context, elements);
  return true;
}

template <Elements elements>
bool square_root(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  masm.Fsqrt(elements.numbers(reg::result), elements.numbers(b));
  FloatOperation(context, elements.work(FloatOp::SquareRoot), elements).check(Right::Numbers, b, b);
  finish(context, elements);
  return true;
}

// The second operand, unless the first one is smaller or larger: also of zeros and NaNs.
template <FloatOp op, Elements elements>
bool smaller_or_larger(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister a = xmm(insn.op[0]);
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  const bool smaller = op == FloatOp::Minimum;
  masm.Fcmgt(elements.numbers(reg::result), elements.numbers(smaller ? b : a),
             elements.numbers(smaller ? a : b));
  masm.Bsl(reg::result.V16B(), a.V16B(), b.V16B());
  FloatOperation(context, elements.work(op), elements).check(Right::Any, a, b);
  finish(context, elements);
  return true;
}

// The predicate is 0 equal, 1 less, 2 less or equal, 3 unordered, and from 4 on the opposite.
template <Elements elements>
bool compare(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn) || !insn.op[2].is_immediate()) return false;
  const VRegister a = xmm(insn.op[0]);
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  const VRegister made = elements.numbers(reg::result);
  const VRegister left = elements.numbers(a), right = elements.numbers(b);
  const auto predicate = static_cast<uint8_t>(insn.op[2].immediate & 7);
  switch (predicate & 3) {
    case 0:
      masm.Fcmeq(made, left, right);
      break;
    case 1:
      masm.Fcmgt(made, right, left);
      break;
    case 2:
      masm.Fcmge(made, right, left);
      break;
    default:
      masm.Fcmeq(made, left, left);
      masm.Fcmeq(elements.numbers(reg::v1), right, right);
      masm.And(reg::result.V16B(), reg::result.V16B(), reg::v1.V16B());
      break;
  }
  const bool opposite = (predicate & 4) != 0, unordered = (predicate & 3) == 3;
  if (opposite != unordered) masm.Mvn(reg::result.V16B(), reg::result.V16B());
  FloatOperation(context, elements.work(FloatOp::Compare, predicate), elements)
      .check(Right::Any, a, b);
  finish(context, elements);
  return true;
}

// comiss and the like: CF, ZF and PF; the other flags are cleared. The host's comparison has N
// where the first is less, Z where they are equal, C where it is not less, C and V where unordered.
template <bool signals, Elements elements>
bool compare_to_flags(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister a = xmm(insn.op[0]);
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  const Register found = reg::t1, bits = reg::t2;
  if (signals)
    masm.Fcmpe(elements.numbers(a), elements.numbers(b));
  else
    masm.Fcmp(elements.numbers(a), elements.numbers(b));
  // kLess, kEqual, kUnordered
  masm.Cset(found, mi);
  masm.Cset(bits, eq);
  masm.Orr(found, found, a64::Operand(bits, LSL, 1));
  masm.Cset(bits, vs);
  masm.Orr(found, found, a64::Operand(bits, LSL, 2));
  masm.Fmov(reg::result.D(), found);
  const FloatOp op = signals ? FloatOp::CompareAll : FloatOp::CompareQuietly;
  FloatOperation(context, elements.work(op), elements).check(Right::Any, a, b);
  flags_of_comparison(context);
  return true;
}

template <FloatOp op, Elements elements>
bool approximate(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!has_vector_operands(insn)) return false;
  const VRegister b = emit.read_vector(insn.op[1], elements.bytes(), reg::b);
  FloatOperation(context, elements.work(op), elements).call(b, b);
  finish(context, elements);
  return true;
}

}  // namespace

void flags_of_comparison(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const Register found = reg::t1, bits = reg::t2;
  masm.Fmov(found, reg::result.D());
  // Unordered sets all three: CF is bit 0 or 2, ZF bit 1 or 2.
  masm.Orr(bits, found, a64::Operand(found, LSR, 2));
  masm.Orr(reg::t3, found, a64::Operand(found, LSR, 1));
  masm.Ubfiz(bits, bits, 29, 1);
  masm.Ubfx(reg::t3, reg::t3, 1, 1);
  masm.Orr(bits, bits, a64::Operand(reg::t3, LSL, 30));
  masm.Msr(NZCV, bits);
  if (insn.adjust_lives()) emit.set_adjust(wzr);
  if (insn.parity_lives()) {
    masm.Lsr(found, found, 2);  // PF: an even number of ones
    masm.Eor(found, found, 1);
    emit.set_parity(found);
  }
}

bool compare_scalar_double(const LoweringContext& context) { return compare<kSd>(context); }

#define EACH(NAME, function, ...)                                \
  {ZYDIS_MNEMONIC_##NAME##PS, function<__VA_ARGS__, kPs>},       \
      {ZYDIS_MNEMONIC_##NAME##PD, function<__VA_ARGS__, kPd>},   \
      {ZYDIS_MNEMONIC_##NAME##SS, function<__VA_ARGS__, kSs>}, { \
    ZYDIS_MNEMONIC_##NAME##SD, function<__VA_ARGS__, kSd>        \
  }

LoweringRows float_rows() {
  using M = MacroAssembler;
  static constexpr LoweringRow rows[] = {
      EACH(ADD, arithmetic, FloatOp::Add, &M::Fadd),
      EACH(SUB, arithmetic, FloatOp::Subtract, &M::Fsub),
      EACH(MUL, arithmetic, FloatOp::Multiply, &M::Fmul),
      EACH(DIV, arithmetic, FloatOp::Divide, &M::Fdiv),
      EACH(MIN, smaller_or_larger, FloatOp::Minimum),
      EACH(MAX, smaller_or_larger, FloatOp::Maximum),
      {ZYDIS_MNEMONIC_SQRTPS, square_root<kPs>},
      {ZYDIS_MNEMONIC_SQRTPD, square_root<kPd>},
      {ZYDIS_MNEMONIC_SQRTSS, square_root<kSs>},
      {ZYDIS_MNEMONIC_SQRTSD, square_root<kSd>},
      {ZYDIS_MNEMONIC_CMPPS, compare<kPs>},
      {ZYDIS_MNEMONIC_CMPPD, compare<kPd>},
      {ZYDIS_MNEMONIC_CMPSS, compare<kSs>},
      {ZYDIS_MNEMONIC_COMISS, compare_to_flags<true, kSs>},
      {ZYDIS_MNEMONIC_COMISD, compare_to_flags<true, kSd>},
      {ZYDIS_MNEMONIC_UCOMISS, compare_to_flags<false, kSs>},
      {ZYDIS_MNEMONIC_UCOMISD, compare_to_flags<false, kSd>},
      {ZYDIS_MNEMONIC_RCPPS, approximate<FloatOp::Reciprocal, kPs>},
      {ZYDIS_MNEMONIC_RCPSS, approximate<FloatOp::Reciprocal, kSs>},
      {ZYDIS_MNEMONIC_RSQRTPS, approximate<FloatOp::ReciprocalRoot, kPs>},
      {ZYDIS_MNEMONIC_RSQRTSS, approximate<FloatOp::ReciprocalRoot, kSs>},
  };
  return rows;
}

#undef EACH

}  // namespace mtetso
