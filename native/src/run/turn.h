// SPDX-License-Identifier: MIT
//
// One turn of one guest thread: generated code, and what it leaves for.
#pragma once

#include "run/imports.h"
#include "run/process.h"

namespace mtetso {

enum class TurnEnd {
  Poll,     // the budget is used up
  Yield,    // the guest gave the rest away
  Blocked,  // a host function is to be called again later
  Exited,   // the thread's function returned
};

// Runs until the turn ends. Throws GuestExit, and StatusError for what the guest did wrong.
TurnEnd run_turn(Process& process, Scheduler& scheduler, Imports& imports, GuestThread& thread);

// Calls a guest function on the thread whose turn it is on this host thread: what entry stubs get
// to (CallGuest). An exception does not pass through generated code: it waits in
// GuestThread::pending, and the result is 0.
uint64_t call_guest(uint64_t guest_rip, uintptr_t target, const uint64_t* arguments);

}  // namespace mtetso
