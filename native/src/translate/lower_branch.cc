// SPDX-License-Identifier: MIT
//
// Conditional branches; none of them changes a flag.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

bool jump_if(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_target()) return false;
  emit.branch_if(insn.mnemonic, to.immediate);
  return true;
}

// With an address size prefix the counter is ecx.
Register counter(const GuestInstruction& insn) {
  return insn.plain_addresses ? guest(1) : guest(1).W();
}

bool jump_if_zero(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_target()) return false;
  Label no;
  masm.Cbnz(counter(insn), &no);
  emit.jump_to(to.immediate);
  masm.Bind(&no);
  return true;
}

bool loop(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  const auto& to = insn.op[0];
  if (!to.is_target()) return false;
  const Register count = counter(insn);
  Label no;
  masm.Sub(count, count, 1);
  masm.Cbz(count, &no);
  if (insn.mnemonic != ZYDIS_MNEMONIC_LOOP)
    masm.B(&no, insn.mnemonic == ZYDIS_MNEMONIC_LOOPE ? ne : eq);
  emit.jump_to(to.immediate);
  masm.Bind(&no);
  return true;
}

}  // namespace

#define MTETSO_CONDITION_ROW(suffix) {ZYDIS_MNEMONIC_J##suffix, jump_if},
LoweringRows branch_rows() {
  static constexpr LoweringRow rows[] = {
      MTETSO_CONDITIONS(MTETSO_CONDITION_ROW)  // jcc
      {ZYDIS_MNEMONIC_JECXZ, jump_if_zero},
      {ZYDIS_MNEMONIC_JRCXZ, jump_if_zero},
      {ZYDIS_MNEMONIC_LOOP, loop},
      {ZYDIS_MNEMONIC_LOOPE, loop},
      {ZYDIS_MNEMONIC_LOOPNE, loop},
  };
  return rows;
}
#undef MTETSO_CONDITION_ROW

}  // namespace mtetso
