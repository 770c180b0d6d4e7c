// SPDX-License-Identifier: MIT
//
// What lowerings of floating-point instructions share: the host's arithmetic where it gives x86's
// result and sticky bits, and float_helper() where it does not (float/sse.h):
//
//   a result that is a NaN     x86 takes the first operand's, where there are two, and makes
//                              negative ones
//   products and quotients     tiny before rounding (AArch64) or after it (x86): not the same for
//   that are tiny              results that round up to the smallest normal number
//   MXCSR with denormals as    AArch64's modes are not the same
//   zeros, flush to zero, or
//   an exception not masked
//
// A few instructions find out which; they change no flags. The sticky bit for denormal operands is
// kept by the helper only.
#pragma once

#include <memory>

#include "float/sse.h"
#include "translate/lowering.h"

namespace mtetso {

// Elements of an instruction: single or double precision, all or the lowest.
struct Elements {
  bool is_double = false;
  bool packed = false;

  unsigned bytes() const { return packed ? 16 : is_double ? 8 : 4; }  // of an operand in memory
  uint8_t count() const { return packed ? (is_double ? 2 : 4) : 1; }
  a64::VectorFormat format() const { return is_double ? a64::kFormat2D : a64::kFormat4S; }
  // For instructions on numbers: an element that is not used must raise nothing.
  VRegister numbers(const VRegister& of) const {
    return packed ? as(of, format()) : is_double ? of.D() : of.S();
  }
  // For others.
  VRegister all(const VRegister& of) const { return as(of, format()); }
  FloatWork work(FloatOp op, uint8_t detail = 0) const { return {op, is_double, count(), detail}; }
};

// Which results the host has right.
enum class Right : uint8_t {
  Numbers,  // all that are not NaNs
  Normal,   // normal numbers and infinities; zeros where an operand is zero
  Any,      // all
};

// One operation whose result is made in reg::result, with `result` as its elements.
class FloatOperation {
 public:
  FloatOperation(const LoweringContext& context, FloatWork work, Elements result)
      : emit_(context.emit),
        masm_(context.masm),
        rip_(context.insn.rip),
        work_(work),
        result_(result) {}

  // Has the helper do it on `a` and `b` where the host's result is not right; then goes on here.
  void check(Right right, const VRegister& a, const VRegister& b) const;
  // Has the helper do it always.
  void call(const VRegister& a, const VRegister& b) const;

 private:
  VRegister limit(size_t offset) const;
  void test_elements(const VRegister& of) const;
  void pass_zeros(const VRegister& a, const VRegister& b, a64::Label* back) const;

  Emitter& emit_;
  a64::MacroAssembler& masm_;
  uint64_t rip_;
  FloatWork work_;
  Elements result_;
};

}  // namespace mtetso
