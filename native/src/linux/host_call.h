// SPDX-License-Identifier: MIT
//
// The host's system calls, as the kernel has them: a negative error number on failure.
//
// A call that may wait must end when a signal for the guest arrives, also one that arrives right
// before the kernel is entered: a call that would then wait for ever has not seen it. So the host's
// handler (linux/arrival.cc) looks whether the thread is between the last look at the flag and the
// instruction `svc`, and makes it leave.
#pragma once

#include <cstdint>

namespace mtetso {

struct HostArguments {
  long a[6] = {};
};

// Whether the call waits, and what a signal does whose handler the guest wants to run.
enum class Restart : uint8_t {
  Quick,    // the call does not wait
  IfAsked,  // it is made again if the handler has SA_RESTART
  Never,    // it fails with EINTR
};

// `waiting_call` has not entered the kernel, because a signal is to be delivered first.
inline constexpr long kNotStarted = -4096;

long host_call(long number, const HostArguments& arguments);
long waiting_call(long number, const HostArguments& arguments);

// For the handler: where `pc` goes on if the thread was about to enter the kernel; 0 if it was not.
uintptr_t leave_waiting_call(uintptr_t pc);

}  // namespace mtetso
