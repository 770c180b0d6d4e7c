// SPDX-License-Identifier: MIT
//
// The host's end of the guest's signals. One handler for all that the guest handles: it keeps what
// has arrived, blocks every further signal until the guest has its frame, and makes the thread come
// out of generated code at its next poll, or out of a call that waits. So a host thread has at most
// one signal that has arrived; the others wait in the kernel, in the kernel's order, and with the
// guest's own mask, which the host thread has while the guest runs.
#pragma once

#include <signal.h>

#include <cstdint>

#include "linux/abi.h"
#include "translate/frame.h"

namespace mtetso {

// For this host thread: 0, or the signal that has arrived and has not been taken.
const uint32_t* arrived_flag();
int arrived();
// Takes it. Every signal but those of instructions stays blocked: see set_host_mask.
void take_arrived(siginfo_t& info);

// Whose generated code this host thread runs from now on.
void set_running_frame(Frame* frame);

// The mask that the host thread has, unless a signal has arrived meanwhile.
void set_host_mask(uint64_t mask);

// The mask that this process was started with.
uint64_t current_host_mask();

// What the host does with a signal of the guest's: handler, SIG_DFL or SIG_IGN, as `action` says.
// SIGSEGV and SIGBUS stay the fault handler's, which passes on those that were sent.
void set_host_action(int signal, const x86::SignalAction& action);

// A signal that was sent is kept as the guest's, on the thread that a handler of the runtime's own
// runs on; `context` is its ucontext_t.
void keep_arrived(int signal, const siginfo_t& info, void* context);

}  // namespace mtetso
