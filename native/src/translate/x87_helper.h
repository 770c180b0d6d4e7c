// SPDX-License-Identifier: MIT
//
// What generated code calls for x87 instructions: all of them are done in C++ (float/x87.h).
#pragma once

#include <cstdint>

#include "translate/frame.h"

namespace mtetso {

// As float_helper(): `what` is an X87Work, on Frame::x87 and Frame::float_operands.
extern "C" uint32_t x87_helper(Frame* frame, uint32_t what);

}  // namespace mtetso
