// SPDX-License-Identifier: MIT
//
// SSE and SSE2: moves between vector registers, general registers and memory; MXCSR. Non-temporal
// stores are ordinary ones here, which are more ordered.

#include "float/sse.h"
#include "float/x87.h"
#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

constexpr unsigned kAll = 16;

template <bool aligned>
bool move_all(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (to.is_vector() && from.is_vector()) {
    masm.Mov(xmm(to).V16B(), xmm(from).V16B());
    return true;
  }
  const bool loads = to.is_vector() && from.is_memory();
  if (!loads && !(to.is_memory() && from.is_vector())) return false;
  emit.address(loads ? from.memory : to.memory);
  if (aligned) emit.check_alignment();
  if (loads)
    emit.load_vector(xmm(to), kAll);
  else
    emit.store_vector(xmm(from), kAll);
  return true;
}

// movss, movsd: of memory, the rest of the register is cleared; of a register, it is kept.
template <unsigned size>
bool move_scalar(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (to.is_vector() && from.is_vector()) {
    if (size == 4)
      masm.Ins(xmm(to).V4S(), 0, xmm(from).V4S(), 0);
    else
      masm.Ins(xmm(to).V2D(), 0, xmm(from).V2D(), 0);
  } else if (to.is_vector() && from.is_memory()) {
    emit.address(from.memory);
    emit.load_vector(xmm(to), size);
  } else if (to.is_memory() && from.is_vector()) {
    emit.address(to.memory);
    emit.store_vector(xmm(from), size);
  } else {
    return false;
  }
  return true;
}

// movd, movq: the rest of a vector register is cleared.
template <unsigned size>
bool move_word(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (to.is_vector() && from.is_register()) {
    if (from.size == 8)
      masm.Fmov(xmm(to).D(), guest(from.reg.index));
    else
      masm.Fmov(xmm(to).S(), guest(from.reg.index).W());
  } else if (to.is_register() && from.is_vector()) {
    if (to.size == 8)
      masm.Fmov(guest(to.reg.index), xmm(from).D());
    else
      masm.Fmov(guest(to.reg.index).W(), xmm(from).S());
  } else if (to.is_vector() && from.is_vector()) {
    masm.Mov(xmm(to).V8B(), xmm(from).V8B());
  } else {
    if (to.is_memory() ? to.size != size : from.size != size) return false;
    return move_scalar<size>(context);
  }
  return true;
}

// movlps, movhps and the like: one half of a register and memory.
template <unsigned half>
bool move_half(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &to = insn.op[0], &from = insn.op[1];
  if (to.is_vector() && from.is_memory()) {
    emit.address(from.memory);
    emit.load(reg::t1, 8);
    masm.Ins(xmm(to).V2D(), half, reg::t1);
  } else if (to.is_memory() && from.is_vector()) {
    emit.address(to.memory);
    masm.Umov(reg::t1, xmm(from).V2D(), half);
    emit.store(reg::t1, 8);
  } else {
    return false;
  }
  return true;
}

// movhlps, movlhps
template <unsigned to_half>
bool move_across(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_vector() || !insn.op[1].is_vector()) return false;
  masm.Ins(xmm(insn.op[0]).V2D(), to_half, xmm(insn.op[1]).V2D(), 1 - to_half);
  return true;
}

bool store_general(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_memory() || !insn.op[1].is_register()) return false;
  emit.address(insn.op[0].memory);
  emit.store(guest(insn.op[1].reg.index), insn.op[1].size);
  return true;
}

// Signs of the elements as bits of a general register.
bool byte_signs(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || !insn.op[1].is_vector()) return false;
  const VRegister bits = reg::v1.V16B(), places = reg::v2;
  masm.Sshr(bits, xmm(insn.op[1]).V16B(), 7);
  masm.Mov(reg::t1, 0x8040201008040201);
  masm.Dup(places.V2D(), reg::t1);
  masm.And(bits, bits, places.V16B());
  for (int i = 0; i < 3; ++i) masm.Addp(bits, bits, bits);
  masm.Umov(guest(insn.op[0].reg.index).W(), bits.V8H(), 0);
  return true;
}

bool single_signs(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || !insn.op[1].is_vector()) return false;
  masm.Ushr(reg::v1.V4S(), xmm(insn.op[1]).V4S(), 31);
  masm.Xtn(reg::v1.V4H(), reg::v1.V4S());
  // Bits 0, 16, 32 and 48 to 0 to 3.
  masm.Fmov(reg::t1, reg::v1.D());
  masm.Orr(reg::t1, reg::t1, a64::Operand(reg::t1, LSR, 15));
  masm.Orr(reg::t1, reg::t1, a64::Operand(reg::t1, LSR, 30));
  masm.And(guest(insn.op[0].reg.index), reg::t1, 15);
  return true;
}

bool double_signs(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_register() || !insn.op[1].is_vector()) return false;
  masm.Umov(reg::t1, xmm(insn.op[1]).V2D(), 0);
  masm.Umov(reg::t2, xmm(insn.op[1]).V2D(), 1);
  masm.Lsr(reg::t1, reg::t1, 63);
  masm.Lsr(reg::t2, reg::t2, 63);
  masm.Orr(guest(insn.op[0].reg.index), reg::t1, a64::Operand(reg::t2, LSL, 1));
  return true;
}

// maskmovdqu: the bytes whose mask has its sign set, to [rdi].
bool store_masked(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto &from = insn.op[0], &mask = insn.op[1];
  if (!from.is_vector() || !mask.is_vector() || !insn.plain_addresses) return false;
  for (int i = 0; i < static_cast<int>(kAll); ++i) {
    Label next;
    masm.Umov(reg::t1.W(), xmm(mask).V16B(), i);
    masm.Tbz(reg::t1, 7, &next);
    masm.Umov(reg::t2.W(), xmm(from).V16B(), i);
    masm.Add(reg::address, guest(7), i);
    emit.store(reg::t2, 1);
    masm.Bind(&next);
  }
  return true;
}

bool load_mxcsr(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_memory()) return false;
  emit.address(insn.op[0].memory);
  emit.load_vector(reg::b, 4);
  emit.call_float_helper(FloatWork{.op = FloatOp::SetMxcsr}.word(), insn.rip);
  return true;
}

bool store_mxcsr(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_memory()) return false;
  emit.call_float_helper(FloatWork{.op = FloatOp::GetMxcsr}.word(), insn.rip);
  emit.address(insn.op[0].memory);
  emit.store_vector(reg::result, 4);
  return true;
}

// FXSAVE's area (SDM volume 1, 10.5.1): x87's pieces, MXCSR in the second one, vectors.
namespace area {
constexpr unsigned kMxcsr = 24, kXmm = 16 * kX87Pieces;
}  // namespace area

bool save_all(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_memory()) return false;
  const auto at = [&](unsigned offset) {
    GuestAddress memory = insn.op[0].memory;
    memory.displacement += offset;
    emit.address(memory);
  };
  at(0);
  emit.check_alignment();
  for (uint8_t i = 0; i < kX87Pieces; ++i) {
    emit.call_x87_helper(X87Work{.op = X87Op::GetPiece, .index = i}.word(), insn.rip);
    at(16 * i);
    emit.store_vector(reg::result, kAll);
  }
  emit.call_float_helper(FloatWork{.op = FloatOp::GetMxcsr}.word(), insn.rip);
  masm.Fmov(reg::t3.W(), reg::result.S());
  masm.Orr(reg::t3, reg::t3, uint64_t{mxcsr::kAll} << 32);
  at(area::kMxcsr);
  emit.store(reg::t3, 8);
  for (unsigned i = 0; i < 16; ++i) {
    at(area::kXmm + 16 * i);
    emit.store_vector(xmm(i), kAll);
  }
  return true;
}

bool restore_all(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.op[0].is_memory()) return false;
  const auto at = [&](unsigned offset) {
    GuestAddress memory = insn.op[0].memory;
    memory.displacement += offset;
    emit.address(memory);
  };
  at(0);
  emit.check_alignment();
  at(area::kMxcsr);
  emit.load_vector(reg::b, 4);
  emit.call_float_helper(FloatWork{.op = FloatOp::SetMxcsr}.word(), insn.rip);
  for (uint8_t i = 0; i < kX87Pieces; ++i) {
    at(16 * i);
    emit.load_vector(reg::b, kAll);
    emit.call_x87_helper(X87Work{.op = X87Op::SetPiece, .index = i}.word(), insn.rip);
  }
  for (unsigned i = 0; i < 16; ++i) {
    at(area::kXmm + 16 * i);
    emit.load_vector(xmm(i), kAll);
  }
  return true;
}

}  // namespace

bool move_scalar_double(const LoweringContext& context) { return move_scalar<8>(context); }

LoweringRows vector_move_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_MOVAPS, move_all<true>},   {ZYDIS_MNEMONIC_MOVAPD, move_all<true>},
      {ZYDIS_MNEMONIC_MOVDQA, move_all<true>},   {ZYDIS_MNEMONIC_MOVNTPS, move_all<true>},
      {ZYDIS_MNEMONIC_MOVNTPD, move_all<true>},  {ZYDIS_MNEMONIC_MOVNTDQ, move_all<true>},
      {ZYDIS_MNEMONIC_MOVUPS, move_all<false>},  {ZYDIS_MNEMONIC_MOVUPD, move_all<false>},
      {ZYDIS_MNEMONIC_MOVDQU, move_all<false>},  {ZYDIS_MNEMONIC_MOVSS, move_scalar<4>},
      {ZYDIS_MNEMONIC_MOVD, move_word<4>},       {ZYDIS_MNEMONIC_MOVQ, move_word<8>},
      {ZYDIS_MNEMONIC_MOVLPS, move_half<0>},     {ZYDIS_MNEMONIC_MOVLPD, move_half<0>},
      {ZYDIS_MNEMONIC_MOVHPS, move_half<1>},     {ZYDIS_MNEMONIC_MOVHPD, move_half<1>},
      {ZYDIS_MNEMONIC_MOVHLPS, move_across<0>},  {ZYDIS_MNEMONIC_MOVLHPS, move_across<1>},
      {ZYDIS_MNEMONIC_MOVNTI, store_general},    {ZYDIS_MNEMONIC_PMOVMSKB, byte_signs},
      {ZYDIS_MNEMONIC_MOVMSKPS, single_signs},   {ZYDIS_MNEMONIC_MOVMSKPD, double_signs},
      {ZYDIS_MNEMONIC_MASKMOVDQU, store_masked}, {ZYDIS_MNEMONIC_LDMXCSR, load_mxcsr},
      {ZYDIS_MNEMONIC_STMXCSR, store_mxcsr},     {ZYDIS_MNEMONIC_FXSAVE, save_all},
      {ZYDIS_MNEMONIC_FXSAVE64, save_all},       {ZYDIS_MNEMONIC_FXRSTOR, restore_all},
      {ZYDIS_MNEMONIC_FXRSTOR64, restore_all},
  };
  return rows;
}

}  // namespace mtetso
