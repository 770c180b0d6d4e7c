// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "translate/frame.h"

namespace mtetso {

using EnterStub = ExitReason (*)(Frame*, uintptr_t);

// Calls the entry stub: enter(frame, entry).
//
// It is a separate function because of unwinders. One that knows nothing about generated code
// follows frame records from there and finds this function's frame pointer, but not its stack
// pointer (LLDB counts that among the registers that a call may change). The call frame information
// of compiled code needs the stack pointer; this function's needs the frame pointer.
extern "C" ExitReason mtetso_enter_jit(Frame* frame, uintptr_t entry, EnterStub enter);

}  // namespace mtetso
