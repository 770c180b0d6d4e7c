// SPDX-License-Identifier: MIT
//
// String instructions. One that is repeated branches back to its own beginning, which is an entry
// with a poll: as on x86 it can be interrupted between two elements, with rcx, rsi and rdi telling
// how far it came. The registers change after the accesses of an element have succeeded.

#include <optional>

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

enum class Kind : uint8_t { Move, Store, Load, Scan, Compare };

struct Form {
  Kind kind;
  unsigned log2_size;
};

std::optional<Form> form_of(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
#define FORMS(name, kind)        \
  case ZYDIS_MNEMONIC_##name##B: \
    return Form{kind, 0};        \
  case ZYDIS_MNEMONIC_##name##W: \
    return Form{kind, 1};        \
  case ZYDIS_MNEMONIC_##name##D: \
    return Form{kind, 2};        \
  case ZYDIS_MNEMONIC_##name##Q: \
    return Form{kind, 3};
    FORMS(MOVS, Kind::Move)
    FORMS(STOS, Kind::Store)
    FORMS(LODS, Kind::Load)
    FORMS(SCAS, Kind::Scan)
    FORMS(CMPS, Kind::Compare)
#undef FORMS
    default:
      return std::nullopt;
  }
}

const Register kCount = guest(1), kSource = guest(6), kDestination = guest(7);

}  // namespace

bool Lower::string(const Decoded& insn) {
  auto form = form_of(insn.mnemonic);
  // MOVSD and CMPSD with operands are SSE's.
  if (!form || !insn.plain_addresses || insn.count != 0) return false;
  const unsigned size = 1u << form->log2_size;
  const bool reads = form->kind != Kind::Store && form->kind != Kind::Scan;
  const bool compares = form->kind == Kind::Scan || form->kind == Kind::Compare;
  Label done;
  if (insn.repeat != Repeat::No) masm_.Cbz(kCount, &done);
  Register value = sized(reg::t1, size);
  if (reads) {
    masm_.Mov(reg::address, kSource);
    emit_.load(value, size);
  } else {
    value = emit_.read(accumulator(size), reg::t1);
  }
  if (form->kind != Kind::Load) masm_.Mov(reg::address, kDestination);
  if (form->kind == Kind::Move || form->kind == Kind::Store) emit_.store(value, size);
  if (form->kind == Kind::Load) emit_.write_register({0, false}, size, value);
  if (compares) {
    emit_.load(reg::t2, size);
    arithmetic(Alu::Sub, sized(reg::t3, size), value, sized(reg::t2, size), size);
  }
  Register step = reg::t6;
  masm_.Ldrsb(step, MemOperand(reg::frame, offsetof(Frame, direction)));
  a64::Operand stride(step, LSL, form->log2_size);
  if (reads) masm_.Add(kSource, kSource, stride);
  if (form->kind != Kind::Load) masm_.Add(kDestination, kDestination, stride);
  if (insn.repeat == Repeat::No) return true;
  masm_.Sub(kCount, kCount, 1);
  if (compares) masm_.B(&done, insn.repeat == Repeat::Equal ? ne : eq);
  emit_.jump_to(insn.rip);
  masm_.Bind(&done);
  return true;
}

}  // namespace mtetso
