// SPDX-License-Identifier: MIT

#include "translate/lower.h"

#include <stdexcept>
#include <string>

#include "translate/lowering.h"

namespace mtetso {
namespace {

const LoweringTable& all_families() {
  static const LoweringTable the(
      {alu_rows(),      atomic_rows(), bit_rows(),         branch_rows(),         divide_rows(),
       exchange_rows(), flag_rows(),   float_rows(),       float_convert_rows(),  move_rows(),
       multiply_rows(), rotate_rows(), shift_rows(),       stack_rows(),          string_rows(),
       system_rows(),   vector_rows(), vector_move_rows(), vector_shuffle_rows(), x87_rows()});
  return the;
}

// A table of their own: many have the names of instructions of SSE2.
const LoweringTable& mmx_family() {
  static const LoweringTable the({mmx_rows()});
  return the;
}

bool uses_mmx(const GuestInstruction& insn) {
  constexpr auto kTo = ZYDIS_MNEMONIC_CVTPI2PS, kToDouble = ZYDIS_MNEMONIC_CVTPI2PD;
  return insn.op[0].is_mmx() || insn.op[1].is_mmx() || insn.mnemonic == ZYDIS_MNEMONIC_EMMS ||
         insn.mnemonic == kTo || insn.mnemonic == kToDouble;
}

}  // namespace

LoweringTable::LoweringTable(std::initializer_list<LoweringRows> families) {
  for (const LoweringRows& rows : families)
    for (const LoweringRow& row : rows) {
      if (row.lock != Lock::With) add(plain_[row.mnemonic], row);
      if (row.lock != Lock::Without) add(locked_[row.mnemonic], row);
    }
}

void LoweringTable::add(LowerFunction& place, const LoweringRow& row) {
  if (place != nullptr)
    throw std::logic_error(std::string("two lowerings of ") + ZydisMnemonicGetString(row.mnemonic));
  place = row.function;
}

LowerFunction LoweringTable::find(ZydisMnemonic mnemonic, bool lock) const {
  return (lock ? locked_ : plain_)[mnemonic];
}

LowerFunction lowering_of(ZydisMnemonic mnemonic) { return all_families().find(mnemonic, false); }

bool lower(Emitter& emitter, const GuestInstruction& insn) {
  if (insn.lock && !insn.op[0].is_memory()) return false;
  const LoweringTable& table = uses_mmx(insn) ? mmx_family() : all_families();
  const LowerFunction function = table.find(insn.mnemonic, insn.lock);
  return function != nullptr && function({emitter, emitter.masm(), insn});
}

}  // namespace mtetso
