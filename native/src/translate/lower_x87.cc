// SPDX-License-Identifier: MIT
//
// x87: operands are read from memory, float/x87.h does the instruction, results are written to
// memory. An instruction that stores pops after its access: one that faults can be done again.

#include <algorithm>

#include "float/x87.h"
#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

constexpr unsigned kLong = 10;  // bytes of a number of 80 bits

X87Format format_of(unsigned size, bool integer) {
  if (integer)
    return size == 2 ? X87Format::Int16 : size == 4 ? X87Format::Int32 : X87Format::Int64;
  return size == 4 ? X87Format::Single : size == 8 ? X87Format::Double : X87Format::Extended;
}

void perform(const LoweringContext& context, const X87Work& work) {
  context.emit.call_x87_helper(work.word(), context.insn.rip);
}

// Of 10 bytes, the lower 8 first: two memops, as of 16 bytes.
void read_number(const LoweringContext& context, const GuestAddress& from) {
  const auto& [emit, masm, insn] = context;
  emit.address(from);
  emit.load(reg::t1, 8);
  masm.Add(reg::address, reg::address, 8);
  emit.load(reg::t2, 2);
  masm.Fmov(reg::b.D(), reg::t1);
  masm.Ins(reg::b.V2D(), 1, reg::t2);
}

void write_number(const LoweringContext& context, const GuestAddress& to) {
  const auto& [emit, masm, insn] = context;
  masm.Fmov(reg::t1, reg::result.D());
  masm.Umov(reg::t2, reg::result.V2D(), 1);
  emit.address(to);
  emit.store(reg::t1, 8);
  masm.Add(reg::address, reg::address, 8);
  emit.store(reg::t2, 2);
}

void read_source(const LoweringContext& context, const Operand& from) {
  if (from.size == kLong) return read_number(context, from.memory);
  const auto& [emit, masm, insn] = context;
  emit.address(from.memory);
  emit.load(reg::t1, from.size);
  masm.Fmov(reg::b.D(), reg::t1);
}

void write_result(const LoweringContext& context, const Operand& to) {
  const auto& [emit, masm, insn] = context;
  if (to.is_memory() && to.size == kLong) return write_number(context, to.memory);
  masm.Fmov(reg::t1, reg::result.D());
  if (to.is_register()) return emit.write(to, reg::t1);
  emit.address(to.memory);
  emit.store(reg::t1, to.size);
}

void pop(const LoweringContext& context) {
  auto& masm = context.masm;
  const Register top = reg::t1.W(), full = reg::t2.W(), bit = reg::t3.W();
  const auto field = [](size_t offset) {
    return MemOperand(reg::frame, static_cast<int64_t>(offsetof(Frame, x87) + offset));
  };
  masm.Ldrb(top, field(offsetof(X87State, top)));
  masm.Ldrb(full, field(offsetof(X87State, full)));
  masm.Mov(bit, 1);
  masm.Lsl(bit, bit, top);
  masm.Bic(full, full, bit);
  masm.Add(top, top, 1);
  masm.And(top, top, 7);
  masm.Strb(full, field(offsetof(X87State, full)));
  masm.Strb(top, field(offsetof(X87State, top)));
}

// The register that is not st(0); st(1) where none is named, as in `fcompp`.
uint8_t index_of(const GuestInstruction& insn) {
  if (insn.count == 0) return 1;
  return std::max(insn.op[0].reg.index, insn.op[1].reg.index);
}

// What reads a source: a register or memory.
template <X87Op op, uint8_t detail = 0, bool integer = false>
bool with_source(const LoweringContext& context) {
  const auto& insn = context.insn;
  X87Work work{op, X87Format::Register, index_of(insn), detail};
  if (insn.op[0].is_memory()) {
    read_source(context, insn.op[0]);
    work.format = format_of(insn.op[0].size, integer);
  } else if (insn.count == 2 && insn.op[1].reg.index == 0 && insn.op[0].is_x87()) {
    work.detail |= X87Work::kToRegister;
  }
  perform(context, work);
  return true;
}

template <X87Op op, uint8_t pops>
bool compare_to_flags(const LoweringContext& context) {
  perform(context, {op, X87Format::Register, index_of(context.insn),
                    static_cast<uint8_t>(pops | X87Work::kToFlags)});
  flags_of_comparison(context);
  return true;
}

template <uint8_t pops, bool integer = false>
bool store(const LoweringContext& context) {
  const auto& to = context.insn.op[0];
  if (to.is_x87()) {
    perform(context, {X87Op::Store, X87Format::Register, to.reg.index, pops});
    return true;
  }
  perform(context, {X87Op::Store, format_of(to.size, integer), 0, 0});
  write_result(context, to);
  if (pops != 0) pop(context);
  return true;
}

bool load_decimal(const LoweringContext& context) {
  read_number(context, context.insn.op[0].memory);
  perform(context, {X87Op::Load, X87Format::Decimal, 0, 0});
  return true;
}

bool store_decimal(const LoweringContext& context) {
  perform(context, {X87Op::Store, X87Format::Decimal, 0, 0});
  write_number(context, context.insn.op[0].memory);
  pop(context);
  return true;
}

template <X87Op op, uint8_t index = 0>
bool alone(const LoweringContext& context) {
  perform(context, {op, X87Format::Register, index, 0});
  return true;
}

template <X87Op op, uint8_t pops = 0>
bool on_register(const LoweringContext& context) {
  perform(context, {op, X87Format::Register, context.insn.op[0].reg.index, pops});
  return true;
}

template <ZydisMnemonic condition>
bool move_if(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  emit.with_condition(condition, [&](Condition holds) { context.masm.Cset(reg::t1, holds); });
  masm.Fmov(reg::b.D(), reg::t1);
  perform(context, {X87Op::Move, X87Format::Register, index_of(insn), 0});
  return true;
}

// fnstcw, fnstsw
template <X87Op op>
bool store_word(const LoweringContext& context) {
  perform(context, {op, X87Format::Int16, 0, 0});
  write_result(context, context.insn.op[0]);
  return true;
}

// The areas of fnstenv and fnsave: what comes before the registers, then st(0) to st(7).
GuestAddress at(const LoweringContext& context, unsigned offset) {
  GuestAddress memory = context.insn.op[0].memory;
  memory.displacement += offset;
  return memory;
}

void store_environment(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Fmov(reg::t1, reg::result.D());
  masm.Umov(reg::t2, reg::result.V2D(), 1);
  emit.address(at(context, 0));
  emit.store(reg::t1, 8);
  masm.Add(reg::address, reg::address, 8);
  emit.store(reg::t2, 8);
  masm.Mov(reg::t2, 0);
  masm.Add(reg::address, reg::address, 8);
  emit.store(reg::t2, 8);
  masm.Mov(reg::t2, 0xffff0000);
  masm.Add(reg::address, reg::address, 8);
  emit.store(reg::t2, 4);
}

bool save_environment(const LoweringContext& context) {
  perform(context, {X87Op::GetEnvironment, X87Format::Register, 0, 0});
  store_environment(context);
  perform(context, {X87Op::MaskAll, X87Format::Register, 0, 0});
  return true;
}

bool restore_environment(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  emit.address(at(context, 0));
  emit.load(reg::t1, 8);
  masm.Add(reg::address, reg::address, 8);
  emit.load(reg::t2, 4);
  masm.Fmov(reg::b.D(), reg::t1);
  masm.Ins(reg::b.V2D(), 1, reg::t2);
  perform(context, {X87Op::SetEnvironment, X87Format::Register, 0, 0});
  return true;
}

bool save_unit(const LoweringContext& context) {
  for (uint8_t i = 0; i < 8; ++i) {
    const auto piece = static_cast<uint8_t>(kX87FirstRegister + i);
    perform(context, {X87Op::GetPiece, X87Format::Register, piece, 0});
    write_number(context, at(context, kX87Environment + kLong * i));
  }
  perform(context, {X87Op::GetEnvironment, X87Format::Register, 0, 0});
  store_environment(context);
  perform(context, {X87Op::Initialise, X87Format::Register, 0, 0});
  return true;
}

bool restore_unit(const LoweringContext& context) {
  restore_environment(context);
  for (uint8_t i = 0; i < 8; ++i) {
    read_number(context, at(context, kX87Environment + kLong * i));
    const auto piece = static_cast<uint8_t>(kX87FirstRegister + i);
    perform(context, {X87Op::SetPiece, X87Format::Register, piece, 0});
  }
  return true;
}

}  // namespace

#define ARITHMETIC(NAME, op)                                    \
  {ZYDIS_MNEMONIC_F##NAME, with_source<X87Op::op>},             \
      {ZYDIS_MNEMONIC_F##NAME##P, with_source<X87Op::op, 1>}, { \
    ZYDIS_MNEMONIC_FI##NAME, with_source<X87Op::op, 0, true>    \
  }
#define MOVES(NAME, CONDITION) \
  { ZYDIS_MNEMONIC_FCMOV##NAME, move_if<ZYDIS_MNEMONIC_CMOV##CONDITION> }

LoweringRows x87_rows() {
  using O = X87Op;
  static constexpr LoweringRow rows[] = {
      ARITHMETIC(ADD, Add),
      ARITHMETIC(SUB, Subtract),
      ARITHMETIC(SUBR, SubtractReversed),
      ARITHMETIC(MUL, Multiply),
      ARITHMETIC(DIV, Divide),
      ARITHMETIC(DIVR, DivideReversed),
      {ZYDIS_MNEMONIC_FLD, with_source<O::Load>},
      {ZYDIS_MNEMONIC_FILD, with_source<O::Load, 0, true>},
      {ZYDIS_MNEMONIC_FCOM, with_source<O::Compare>},
      {ZYDIS_MNEMONIC_FCOMP, with_source<O::Compare, 1>},
      {ZYDIS_MNEMONIC_FCOMPP, with_source<O::Compare, 2>},
      {ZYDIS_MNEMONIC_FICOM, with_source<O::Compare, 0, true>},
      {ZYDIS_MNEMONIC_FICOMP, with_source<O::Compare, 1, true>},
      {ZYDIS_MNEMONIC_FUCOM, with_source<O::CompareQuietly>},
      {ZYDIS_MNEMONIC_FUCOMP, with_source<O::CompareQuietly, 1>},
      {ZYDIS_MNEMONIC_FUCOMPP, with_source<O::CompareQuietly, 2>},
      {ZYDIS_MNEMONIC_FCOMI, compare_to_flags<O::Compare, 0>},
      {ZYDIS_MNEMONIC_FCOMIP, compare_to_flags<O::Compare, 1>},
      {ZYDIS_MNEMONIC_FUCOMI, compare_to_flags<O::CompareQuietly, 0>},
      {ZYDIS_MNEMONIC_FUCOMIP, compare_to_flags<O::CompareQuietly, 1>},
      {ZYDIS_MNEMONIC_FST, store<0>},
      {ZYDIS_MNEMONIC_FSTP, store<1>},
      {ZYDIS_MNEMONIC_FIST, store<0, true>},
      {ZYDIS_MNEMONIC_FISTP, store<1, true>},
      {ZYDIS_MNEMONIC_FBLD, load_decimal},
      {ZYDIS_MNEMONIC_FBSTP, store_decimal},
      {ZYDIS_MNEMONIC_FLD1, alone<O::LoadConstant, 0>},
      {ZYDIS_MNEMONIC_FLDL2T, alone<O::LoadConstant, 1>},
      {ZYDIS_MNEMONIC_FLDL2E, alone<O::LoadConstant, 2>},
      {ZYDIS_MNEMONIC_FLDPI, alone<O::LoadConstant, 3>},
      {ZYDIS_MNEMONIC_FLDLG2, alone<O::LoadConstant, 4>},
      {ZYDIS_MNEMONIC_FLDLN2, alone<O::LoadConstant, 5>},
      {ZYDIS_MNEMONIC_FLDZ, alone<O::LoadConstant, 6>},
      {ZYDIS_MNEMONIC_FCHS, alone<O::ChangeSign>},
      {ZYDIS_MNEMONIC_FABS, alone<O::Absolute>},
      {ZYDIS_MNEMONIC_FSQRT, alone<O::SquareRoot>},
      {ZYDIS_MNEMONIC_FRNDINT, alone<O::RoundToInteger>},
      {ZYDIS_MNEMONIC_FSCALE, alone<O::Scale>},
      {ZYDIS_MNEMONIC_FPREM, alone<O::Remainder>},
      {ZYDIS_MNEMONIC_FPREM1, alone<O::RemainderNearest>},
      {ZYDIS_MNEMONIC_FXTRACT, alone<O::Extract>},
      {ZYDIS_MNEMONIC_F2XM1, alone<O::PowerLessOne>},
      {ZYDIS_MNEMONIC_FYL2X, alone<O::YLogX>},
      {ZYDIS_MNEMONIC_FYL2XP1, alone<O::YLogXPlusOne>},
      {ZYDIS_MNEMONIC_FPATAN, alone<O::ArcTangent>},
      {ZYDIS_MNEMONIC_FSIN, alone<O::Sine>},
      {ZYDIS_MNEMONIC_FCOS, alone<O::Cosine>},
      {ZYDIS_MNEMONIC_FSINCOS, alone<O::SineCosine>},
      {ZYDIS_MNEMONIC_FPTAN, alone<O::Tangent>},
      {ZYDIS_MNEMONIC_FTST, alone<O::Test>},
      {ZYDIS_MNEMONIC_FXAM, alone<O::Examine>},
      {ZYDIS_MNEMONIC_FXCH, on_register<O::Exchange>},
      {ZYDIS_MNEMONIC_FFREE, on_register<O::Free>},
      {ZYDIS_MNEMONIC_FFREEP, on_register<O::Free, 1>},
      {ZYDIS_MNEMONIC_FINCSTP, alone<O::Increment>},
      {ZYDIS_MNEMONIC_FDECSTP, alone<O::Decrement>},
      MOVES(B, B),
      MOVES(E, Z),
      MOVES(BE, BE),
      MOVES(U, P),
      MOVES(NB, NB),
      MOVES(NE, NZ),
      MOVES(NBE, NBE),
      MOVES(NU, NP),
      {ZYDIS_MNEMONIC_FLDCW, with_source<O::SetControl, 0, true>},
      {ZYDIS_MNEMONIC_FNSTCW, store_word<O::GetControl>},
      {ZYDIS_MNEMONIC_FNSTSW, store_word<O::GetStatus>},
      {ZYDIS_MNEMONIC_FNSTENV, save_environment},
      {ZYDIS_MNEMONIC_FLDENV, restore_environment},
      {ZYDIS_MNEMONIC_FNSAVE, save_unit},
      {ZYDIS_MNEMONIC_FRSTOR, restore_unit},
      {ZYDIS_MNEMONIC_FNCLEX, alone<O::ClearExceptions>},
      {ZYDIS_MNEMONIC_FNINIT, alone<O::Initialise>},
      {ZYDIS_MNEMONIC_FWAIT, alone<O::Wait>},
      {ZYDIS_MNEMONIC_FNOP, alone<O::Wait>},
  };
  return rows;
}

#undef ARITHMETIC
#undef MOVES

}  // namespace mtetso
