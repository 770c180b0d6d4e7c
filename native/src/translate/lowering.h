// SPDX-License-Identifier: MIT
//
// What the families of instructions share: the rows of their tables, and arithmetic with flags.
//
// A function first decides whether it knows the form of the instruction, and returns false before
// it has emitted anything if it does not: the instruction then throws when it is reached.
//
// Flags: NZCV is what x86 has after each instruction, except for flags that x86 leaves undefined.
// PF and AF are written only where they are live (GuestInstruction::lazy_live).
#pragma once

#include <array>
#include <initializer_list>
#include <span>

#include "translate/emitter.h"

namespace mtetso {

// One instruction, and where its code goes.
struct LoweringContext {
  Emitter& emit;
  Assembler& masm;  // the emitter's
  const GuestInstruction& insn;
};

using LowerFunction = bool (*)(const LoweringContext&);

// Whether a row is for the instruction with a LOCK prefix. Exchanges with memory are locked with
// the prefix or without.
enum class Lock : uint8_t { Without, With, Either };

struct LoweringRow {
  ZydisMnemonic mnemonic;
  LowerFunction function;
  Lock lock = Lock::Without;
};
using LoweringRows = std::span<const LoweringRow>;

// The tables, each at the end of its family's file.
LoweringRows alu_rows();
LoweringRows atomic_rows();
LoweringRows bit_rows();
LoweringRows branch_rows();
LoweringRows divide_rows();
LoweringRows exchange_rows();
LoweringRows flag_rows();
LoweringRows float_rows();
LoweringRows float_convert_rows();
LoweringRows mmx_rows();
LoweringRows move_rows();
LoweringRows multiply_rows();
LoweringRows rotate_rows();
LoweringRows shift_rows();
LoweringRows stack_rows();
LoweringRows string_rows();
LoweringRows system_rows();
LoweringRows vector_rows();
LoweringRows vector_move_rows();
LoweringRows vector_shuffle_rows();
LoweringRows x87_rows();

// The function of an instruction without LOCK, of SSE2 where MMX has one of the same name; null
// where there is none.
LowerFunction lowering_of(ZydisMnemonic mnemonic);

// CF, ZF and PF from the kLess, kEqual and kUnordered (float/sse.h) in reg::result; the other flags
// are cleared. t1 to t3 are used.
void flags_of_comparison(const LoweringContext& context);

// SSE2's movsd and cmpsd, which have the names of string instructions.
bool move_scalar_double(const LoweringContext& context);
bool compare_scalar_double(const LoweringContext& context);

// All tables, indexed by mnemonic.
class LoweringTable {
 public:
  // Throws std::logic_error where two rows are for the same instruction.
  explicit LoweringTable(std::initializer_list<LoweringRows> families);

  // Null where there is no row.
  LowerFunction find(ZydisMnemonic mnemonic, bool lock) const;

 private:
  static constexpr size_t kMnemonics = ZYDIS_MNEMONIC_MAX_VALUE + 1;

  void add(LowerFunction& place, const LoweringRow& row);

  std::array<LowerFunction, kMnemonics> plain_{};
  std::array<LowerFunction, kMnemonics> locked_{};
};

// The suffixes of the conditions of setcc, cmovcc and jcc, as Zydis spells them.
#define MTETSO_CONDITIONS(C) \
  C(O) C(NO) C(B) C(NB) C(Z) C(NZ) C(BE) C(NBE) C(S) C(NS) C(P) C(NP) C(L) C(NL) C(LE) C(NLE)

// Whether the first operand is a vector register and the second one a vector register or memory.
inline bool has_vector_operands(const GuestInstruction& insn) {
  return insn.op[0].is_vector() && (insn.op[1].is_vector() || insn.op[1].is_memory());
}
// `of` as elements of another format.
inline VRegister as(const VRegister& of, a64::VectorFormat format) {
  return VRegister(static_cast<int>(of.GetCode()), format);
}
// The vector register of an operand.
inline VRegister xmm(const Operand& operand) { return xmm(operand.reg.index); }

// Counts of shifts and rotates are taken modulo 32, of 8 bytes modulo 64.
constexpr unsigned count_mask(unsigned size) { return size == 8 ? 63 : 31; }

// arithmetic.cc
enum class Alu { Add, Adc, Sub, Sbb, And, Or, Xor };

// out = a operation b, with all flags. `out` may be a or b; t4, t5 and x17 are used.
void arithmetic(const LoweringContext& context, Alu operation, const Register& out,
                const Register& a, const Register& b, unsigned size);
// SF and ZF of `value`; CF and OF clear. t4 is used.
void logic_flags(const LoweringContext& context, const Register& value, unsigned size);

// A read-modify-write of LSE, acquire and release: its forms for 1, 2, and 4 or 8 bytes.
struct LseForms {
  using Access = void (a64::MacroAssembler::*)(const Register&, const Register&,
                                               const a64::MemOperand&);
  Access byte, half, word;
};

#define MTETSO_LSE_FORMS(name) \
  { &a64::MacroAssembler::name##b, &a64::MacroAssembler::name##h, &a64::MacroAssembler::name }
inline constexpr LseForms kLseAdd = MTETSO_LSE_FORMS(ldaddal);
inline constexpr LseForms kLseClear = MTETSO_LSE_FORMS(ldclral);
inline constexpr LseForms kLseSet = MTETSO_LSE_FORMS(ldsetal);
inline constexpr LseForms kLseExclusiveOr = MTETSO_LSE_FORMS(ldeoral);
inline constexpr LseForms kLseSwap = MTETSO_LSE_FORMS(swpal);
inline constexpr LseForms kLseCompareSwap = MTETSO_LSE_FORMS(casal);
#undef MTETSO_LSE_FORMS

// Emits one as the memop at the address in x16: Rs = `operand`, Rt = `result` (of CAS: the expected
// and returned value, and the new one).
void read_modify_write(const LoweringContext& context, const LseForms& forms, unsigned size,
                       const Register& operand, const Register& result);

}  // namespace mtetso
