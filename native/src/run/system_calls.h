// SPDX-License-Identifier: MIT
//
// The seam of a personality: what answers the guest's `syscall` instructions.
#pragma once

#include <poll.h>

#include <span>

#include "run/process.h"

namespace mtetso {

// What a guest's code does that its processor does not carry out.
enum class Trap {
  BadAddress,
  FileEnd,  // an access of what is mapped, but behind the end of the file
  NoCode,   // a jump to an address without code
  Divide,
  Undefined,   // ud2
  Breakpoint,  // int3
  Protection,  // a privileged instruction, a vector that is not aligned, bits that MXCSR does not
               // have
  FloatingPoint,  // an exception that MXCSR does not mask; in place of an address its flags
  Unsupported,    // outside the subset; this runtime's limit
};

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
  // The thread is about to run generated code, or has just left it at a poll: enters the handlers
  // of signals that have arrived. Throws GuestExit.
  virtual void before_code(GuestThread& thread) = 0;
  // Whether a signal has arrived on this host thread that before_code would handle.
  virtual bool interrupted() const = 0;
  // Lockstep: whether the guest handles a signal that somebody may send it.
  virtual bool awaits_signals() = 0;
  // Lockstep, where every thread sleeps: waits as ppoll(2) does, until a signal comes at the latest
  // that one of them lets in. Returns its result; one that has come before ends it, too.
  virtual long wait(std::span<pollfd> descriptors, const timespec* limit) = 0;
  // The process is about to end, with all its threads.
  virtual void before_end() = 0;
  // The thread's code has done something that it may not: 0 if it goes on in a handler of its own,
  // or the signal that it dies of. `address`: for BadAddress, FileEnd
  // and NoCode, as far as it is known: of its 64 bits at least the lower 56.
  virtual int trap(GuestThread& thread, Trap what, uint64_t address) = 0;
};

}  // namespace mtetso
