// SPDX-License-Identifier: MIT

#include "translate/float_operation.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT: the instruction set is the vocabulary here

// v24 to v29, as the entry stub loads them.
VRegister FloatOperation::limit(size_t offset) const {
  const size_t first = result_.is_double ? 27 : 24;
  return VRegister(static_cast<int>(first + offset / 16), result_.format());
}

// t1 := not 0 if every element of a mask is set.
void FloatOperation::test_elements(const VRegister& of) const {
  if (work_.elements == 1 && result_.is_double) return masm_.Fmov(reg::t1, of.D());
  if (work_.elements == 1) return masm_.Fmov(reg::t1.W(), of.S());
  if (work_.elements == 2 && !result_.is_double)
    masm_.Uminp(of.V2S(), of.V2S(), of.V2S());
  else
    masm_.Uminv(of.S(), of.V4S());
  masm_.Fmov(reg::t1.W(), of.S());
}

void FloatOperation::check(Right right, const VRegister& a, const VRegister& b) const {
  const VRegister number = limit(offsetof(FloatLimits, number));
  if (right == Right::Any) {
    masm_.Fmov(reg::t1, number.D());
  } else {
    const VRegister twice = result_.all(reg::v1);
    masm_.Shl(twice, result_.all(reg::result), 1);
    if (right == Right::Normal) masm_.Sub(twice, twice, limit(offsetof(FloatLimits, offset)));
    masm_.Cmhi(twice, right == Right::Normal ? limit(offsetof(FloatLimits, normal)) : number,
               twice);
    test_elements(reg::v1);
  }
  auto back = std::make_shared<Label>();
  const FloatOperation self = *this;
  masm_.Cbz(reg::t1, emit_.cold([self, right, a, b, back] {
    if (right == Right::Normal) self.pass_zeros(a, b, back.get());
    self.call(a, b);
    self.masm_.B(back.get());
  }));
  masm_.Bind(back.get());
}

void FloatOperation::call(const VRegister& a, const VRegister& b) const {
  masm_.Mov(reg::a.V16B(), a.V16B());
  masm_.Mov(reg::b.V16B(), b.V16B());
  emit_.call_float_helper(work_.word(), rip_);
}

// Zeros are right where an operand is zero, of a quotient the first one.
void FloatOperation::pass_zeros(const VRegister& a, const VRegister& b, Label* back) const {
  const bool narrows = work_.op == FloatOp::Narrow;
  const Elements source{narrows || result_.is_double, result_.packed};
  const VRegister zeros = source.all(reg::v2), more = source.all(reg::v3);
  masm_.Shl(zeros, source.all(narrows ? b : a), 1);
  masm_.Cmeq(zeros, zeros, 0);
  if (work_.op == FloatOp::Multiply) {
    masm_.Shl(more, source.all(b), 1);
    masm_.Cmeq(more, more, 0);
    masm_.Orr(reg::v2.V16B(), reg::v2.V16B(), reg::v3.V16B());
  }
  if (narrows) masm_.Xtn(reg::v2.V2S(), reg::v2.V2D());
  // Only those that are numbers, and none where the host's arithmetic is not used.
  const VRegister twice = result_.all(reg::v3);
  masm_.Shl(twice, result_.all(reg::result), 1);
  masm_.Cmhi(twice, limit(offsetof(FloatLimits, number)), twice);
  masm_.And(reg::v2.V16B(), reg::v2.V16B(), reg::v3.V16B());
  // And those that are normal.
  masm_.Shl(twice, result_.all(reg::result), 1);
  masm_.Sub(twice, twice, limit(offsetof(FloatLimits, offset)));
  masm_.Cmhi(twice, limit(offsetof(FloatLimits, normal)), twice);
  masm_.Orr(reg::v2.V16B(), reg::v2.V16B(), reg::v3.V16B());
  test_elements(reg::v2);
  masm_.Cbnz(reg::t1, back);
}

}  // namespace mtetso
