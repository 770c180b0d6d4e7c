// SPDX-License-Identifier: MIT
//
// String instructions. A repeated one branches back to its own beginning, which is an entry with a
// poll: as on x86 it can be interrupted between two elements, and rcx, rsi and rdi say how far it
// has come. The registers change after the accesses of an element have succeeded.

#include <bit>

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

enum class Kind : uint8_t { Move, Store, Load, Scan, Compare };

const Register kCount = guest(1), kSource = guest(6), kDestination = guest(7);

template <Kind kind, unsigned size>
bool string(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  if (!insn.plain_addresses || insn.count != 0) return false;
  constexpr bool reads = kind != Kind::Store && kind != Kind::Scan;
  constexpr bool compares = kind == Kind::Scan || kind == Kind::Compare;
  Label done;
  if (insn.repeat != Repeat::No) {
    masm.Cbz(kCount, &done);
    emit.count();  // elements
  }
  Register value = sized(reg::t1, size);
  if (reads) {
    masm.Mov(reg::address, kSource);
    emit.load(value, size);
  } else {
    value = emit.read(accumulator(size), reg::t1);
  }
  if (kind != Kind::Load) masm.Mov(reg::address, kDestination);
  if (kind == Kind::Move || kind == Kind::Store) emit.store(value, size);
  if (kind == Kind::Load) emit.write_register({0, false}, size, value);
  if (compares) {
    emit.load(reg::t2, size);
    arithmetic(context, Alu::Sub, sized(reg::t3, size), value, sized(reg::t2, size), size);
  }
  Register step = reg::t6;
  masm.Ldrsb(step, MemOperand(reg::frame, offsetof(Frame, direction)));
  a64::Operand stride(step, LSL, std::countr_zero(size));
  if (reads) masm.Add(kSource, kSource, stride);
  if (kind != Kind::Load) masm.Add(kDestination, kDestination, stride);
  if (insn.repeat == Repeat::No) return true;
  masm.Sub(kCount, kCount, 1);
  if (compares) masm.B(&done, insn.repeat == Repeat::Equal ? ne : eq);
  emit.jump_to(insn.rip);
  masm.Bind(&done);
  emit.count();
  return true;
}

// MOVSD and CMPSD with operands are SSE2's.
bool move_double(const LoweringContext& context) {
  return context.insn.count != 0 ? move_scalar_double(context) : string<Kind::Move, 4>(context);
}
bool compare_double(const LoweringContext& context) {
  return context.insn.count != 0 ? compare_scalar_double(context)
                                 : string<Kind::Compare, 4>(context);
}

}  // namespace

LoweringRows string_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_MOVSB, string<Kind::Move, 1>},
      {ZYDIS_MNEMONIC_MOVSW, string<Kind::Move, 2>},
      {ZYDIS_MNEMONIC_MOVSD, move_double},
      {ZYDIS_MNEMONIC_MOVSQ, string<Kind::Move, 8>},
      {ZYDIS_MNEMONIC_STOSB, string<Kind::Store, 1>},
      {ZYDIS_MNEMONIC_STOSW, string<Kind::Store, 2>},
      {ZYDIS_MNEMONIC_STOSD, string<Kind::Store, 4>},
      {ZYDIS_MNEMONIC_STOSQ, string<Kind::Store, 8>},
      {ZYDIS_MNEMONIC_LODSB, string<Kind::Load, 1>},
      {ZYDIS_MNEMONIC_LODSW, string<Kind::Load, 2>},
      {ZYDIS_MNEMONIC_LODSD, string<Kind::Load, 4>},
      {ZYDIS_MNEMONIC_LODSQ, string<Kind::Load, 8>},
      {ZYDIS_MNEMONIC_SCASB, string<Kind::Scan, 1>},
      {ZYDIS_MNEMONIC_SCASW, string<Kind::Scan, 2>},
      {ZYDIS_MNEMONIC_SCASD, string<Kind::Scan, 4>},
      {ZYDIS_MNEMONIC_SCASQ, string<Kind::Scan, 8>},
      {ZYDIS_MNEMONIC_CMPSB, string<Kind::Compare, 1>},
      {ZYDIS_MNEMONIC_CMPSW, string<Kind::Compare, 2>},
      {ZYDIS_MNEMONIC_CMPSD, compare_double},
      {ZYDIS_MNEMONIC_CMPSQ, string<Kind::Compare, 8>},
  };
  return rows;
}

}  // namespace mtetso
