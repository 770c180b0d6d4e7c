// SPDX-License-Identifier: MIT
//
// One turn of one guest thread: runs generated code, and handles its exits.
#pragma once

#include "run/imports.h"
#include "run/process.h"
#include "run/system_calls.h"

namespace mtetso {

enum class TurnEnd {
  Poll,     // the budget is used up
  Yield,    // the guest gave up the rest
  Blocked,  // a host function must be called again later
  Exited,   // the thread's function returned, or its last system call has ended it
};

// What the guest calls.
struct HostSide {
  Imports& imports;
  SystemCalls* system_calls;  // null: `syscall` is an unsupported instruction
};

// Runs until the turn ends. Throws GuestExit, and StatusError for errors of the guest.
TurnEnd run_turn(Process& process, Scheduler& scheduler, HostSide& host, GuestThread& thread);

// Calls a guest function on the thread whose turn it is on this host thread: called by entry stubs
// (CallGuest). An exception does not pass through generated code: it is kept in
// GuestThread::pending, and the result is 0.
uint64_t call_guest(uint64_t guest_rip, uintptr_t target, const uint64_t* arguments);

}  // namespace mtetso
