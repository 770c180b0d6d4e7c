// SPDX-License-Identifier: MIT
//
// What generated code leaves to C++: vector operations on values for which the host's arithmetic is
// not x86's (lower_float.cc), and MXCSR.
#pragma once

#include <cstdint>

#include "translate/frame.h"

namespace mtetso {

// Called by a stub, with the guest's registers in the frame: `what` is a FloatWork (float/sse.h),
// on Frame::float_operands. 0, or the ExitReason with which generated code is left; its detail is
// in the frame.
extern "C" uint32_t float_helper(Frame* frame, uint32_t what);

// Sets MXCSR and all that follows from it.
void set_mxcsr(Frame& frame, uint32_t value);

}  // namespace mtetso
