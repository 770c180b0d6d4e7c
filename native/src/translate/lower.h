// SPDX-License-Identifier: MIT
//
// x86-64 instructions to AArch64, one guest instruction at a time. Jumps, calls and returns are
// the translator's; everything else is here, in one file for each family.
//
// A lowering first decides whether it knows the form at hand and returns false before it has
// emitted anything where it does not: the instruction then throws when it is reached.
//
// Flags: NZCV is what x86 has after each instruction, except for flags that x86 leaves undefined.
// PF and AF are written only where they are live (Decoded::lazy_live).
#pragma once

#include "translate/emitter.h"

namespace mtetso {

class Lower {
 public:
  explicit Lower(Emitter& emitter) : emit_(emitter), masm_(emitter.masm()) {}

  // Emits an instruction whose flow is Next. False: not in the subset, nothing was emitted.
  bool lower(const Decoded& insn);
  // The same for one whose flow is Branch.
  bool branch(const Decoded& insn);

  // The flag side of an operation, also used by atomics, which have the old value in hand.
  enum class Alu { Add, Adc, Sub, Sbb, And, Or, Xor };

 private:
  bool dispatch(const Decoded& insn);

  // lower_move.cc
  bool move(const Decoded& insn);
  bool move_extended(const Decoded& insn);
  bool load_address(const Decoded& insn);
  bool sign_extend_accumulator(const Decoded& insn);
  bool exchange(const Decoded& insn);
  bool byte_swap(const Decoded& insn);
  bool move_swapped(const Decoded& insn);
  bool table_lookup(const Decoded& insn);

  // lower_stack.cc
  bool stack(const Decoded& insn);
  bool push(const Decoded& insn);
  bool pop(const Decoded& insn);
  bool leave();
  bool enter(const Decoded& insn);

  // lower_flags.cc
  bool condition(const Decoded& insn);
  bool flag_word(const Decoded& insn);
  bool one_flag(const Decoded& insn);
  void gather_flags(const Register& out);
  void scatter_flags(const Register& from, bool all);

  // lower_string.cc
  bool string(const Decoded& insn);

  // lower_alu.cc
  bool alu(const Decoded& insn, Alu operation, bool keep_result = true);
  bool increment(const Decoded& insn);
  bool negate(const Decoded& insn);
  void arithmetic(Alu operation, const Register& out, const Register& a, const Register& b,
                  unsigned size);
  void compute(Alu operation, const Register& out, const Register& a, const Register& b,
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
  bool double_shift(const Decoded& insn);
  void shift_pair(const Decoded& insn, const Register& count);

  // lower_rotate.cc
  bool rotate(const Decoded& insn);
  bool rotate_through_carry(const Decoded& insn);
  void rotate_wide(bool left, const Register& count);
  void rotate_narrow(bool left, unsigned bits, const Register& count);

  // lower_bit.cc
  bool bit_test(const Decoded& insn);
  bool locked_bit_test(const Decoded& insn);
  void bit_number(const Decoded& insn, const Register& number);
  void bit_address(const Decoded& insn, const Register& number);
  bool bit_scan(const Decoded& insn);
  bool count_zeros(const Decoded& insn);
  bool count_ones(const Decoded& insn);

  // lower_multiply.cc
  bool multiply(const Decoded& insn);
  bool multiply_two(const Decoded& insn);
  bool multiply_wide(const Decoded& insn);
  void overflow_flags();

  // lower_divide.cc
  bool divide(const Decoded& insn);
  void divide_wide(const Decoded& insn, bool is_signed);
  void divide_narrow(const Decoded& insn, bool is_signed);

  // lower_atomic.cc
  bool locked(const Decoded& insn);
  bool locked_alu(const Decoded& insn, Alu operation);
  bool locked_not(const Decoded& insn);
  bool locked_loop(const Decoded& insn);
  bool exchange_add(const Decoded& insn);
  bool compare_exchange(const Decoded& insn);

  // lower_wide_atomic.cc
  bool compare_exchange_register(const Decoded& insn);
  bool compare_exchange_8(const Decoded& insn);
  bool compare_exchange_16(const Decoded& insn);
  void set_zero_flag_if_equal(const Register& difference);

  // lower_system.cc
  bool system(const Decoded& insn);

  bool parity_lives() const { return (live_ & lazy_flag::kParity) != 0; }
  bool adjust_lives() const { return (live_ & lazy_flag::kAdjust) != 0; }

  Emitter& emit_;
  a64::MacroAssembler& masm_;
  uint8_t live_ = lazy_flag::kAll;
};

// Whether the operand can be read or written as a general value of 1, 2, 4 or 8 bytes.
bool is_value(const Operand& operand);
bool is_place(const Operand& operand);

// A count in CL: the second or, of a double shift, the third operand.
bool is_cl(const Operand& operand);

// Counts are taken modulo 32, of 8 bytes modulo 64.
constexpr unsigned count_mask(unsigned size) { return size == 8 ? 63 : 31; }

// rax and its parts as an operand.
Operand accumulator(unsigned size);

}  // namespace mtetso
