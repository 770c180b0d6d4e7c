// SPDX-License-Identifier: MIT
//
// x86-64 instructions to AArch64, one guest instruction at a time. Control flow is the
// translator's; everything else is here, in one file for each family.
//
// A lowering first decides whether it knows the form at hand and returns false before it has
// emitted anything where it does not: the instruction then throws when it is reached.
#pragma once

#include "translate/emitter.h"

namespace mtetso {

class Lower {
 public:
  explicit Lower(Emitter& emitter) : emit_(emitter), masm_(emitter.masm()) {}

  // Emits an instruction whose flow is Next. False: not in the subset, nothing was emitted.
  bool lower(const Decoded& insn);

  // The flag side of an operation, also used by atomics, which have the old value in hand.
  enum class Alu { Add, Adc, Sub, Sbb, And, Or, Xor };

 private:
  // lower_move.cc
  bool move(const Decoded& insn);
  bool move_extended(const Decoded& insn);
  bool load_address(const Decoded& insn);
  bool sign_extend_accumulator(const Decoded& insn);
  bool stack(const Decoded& insn);
  bool exchange(const Decoded& insn);
  bool condition(const Decoded& insn);
  bool byte_swap(const Decoded& insn);
  bool string(const Decoded& insn);

  // lower_alu.cc
  bool alu(const Decoded& insn, Alu operation, bool keep_result = true);
  bool increment(const Decoded& insn);
  bool negate(const Decoded& insn);
  void arithmetic(Alu operation, const Register& out, const Register& a, const Register& b,
                  unsigned size);
  void narrow_arithmetic(Alu operation, const Register& out, const Register& a, const Register& b,
                         unsigned size);
  void logic_flags(const Register& value, unsigned size);
  void zero_flag_of(const Register& value);

  // lower_shift.cc
  bool shift(const Decoded& insn);
  bool shift_by_constant(const Decoded& insn, unsigned count);
  bool shift_by_cl(const Decoded& insn);
  void widen(const Register& out, const Operand& operand, bool is_signed);
  void shift_flags(const Register& result, const Register& original, const Register& carry,
                   ZydisMnemonic kind, unsigned size);
  bool rotate(const Decoded& insn);
  bool bit_test(const Decoded& insn);
  bool bit_scan(const Decoded& insn);

  // lower_multiply.cc
  bool multiply(const Decoded& insn);
  bool multiply_two(const Decoded& insn);
  bool multiply_wide(const Decoded& insn);
  void overflow_flags();
  bool divide(const Decoded& insn);

  // lower_atomic.cc
  bool locked(const Decoded& insn);
  bool locked_alu(const Decoded& insn, Alu operation);
  bool exchange_add(const Decoded& insn);
  bool compare_exchange(const Decoded& insn);

  Emitter& emit_;
  a64::MacroAssembler& masm_;
};

// Whether the operand can be read or written as a general value of 1, 2, 4 or 8 bytes.
bool is_value(const Operand& operand);
bool is_place(const Operand& operand);

}  // namespace mtetso
