// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "translate/frame.h"

namespace mtetso {

using EnterStub = ExitReason (*)(Frame*, uintptr_t);

// Calls the entry stub: enter(frame, entry).
//
// It is a function of its own for the sake of unwinders. One that has no word about generated code
// goes from there by frame records and finds this function's frame pointer, but not its stack
// pointer (LLDB counts the latter among what a call may change). The call frame information of
// compiled code asks for the stack pointer; this function's asks for the frame pointer.
extern "C" ExitReason mtetso_enter_jit(Frame* frame, uintptr_t entry, EnterStub enter);

}  // namespace mtetso
