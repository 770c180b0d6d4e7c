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
TurnEnd run_turn(Process& process, Imports& imports, GuestThread& thread);

}  // namespace mtetso
