// SPDX-License-Identifier: MIT
//
// The seam of a personality: what answers the guest's `syscall` instructions.
#pragma once

#include "run/process.h"

namespace mtetso {

class SystemCalls {
 public:
  // What the guest does next: goes on after the instruction, makes the call again when the thread
  // can run again (lockstep: GuestThread::asleep, host_wait), goes on in its next turn, or not at
  // all.
  enum class Next { Return, Retry, Yield, EndThread };

  virtual ~SystemCalls() = default;
  // Makes the call that the thread's registers describe, and puts the result into them. Throws
  // GuestExit.
  virtual Next call(GuestThread& thread, Scheduler& scheduler) = 0;
};

}  // namespace mtetso
