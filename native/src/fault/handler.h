// SPDX-License-Identifier: MIT
//
// The handler of SIGSEGV and SIGBUS in JIT code.
#pragma once

#include <signal.h>

#include <cstdint>

#include "memory/guest_memory.h"
#include "memory/protocol.h"
#include "options.h"

namespace mtetso {

// Installs the handler for the whole process. All three outlive it. The previous dispositions are
// kept: for a fault that is not a memop's they are restored and the fault happens again, with its
// own si_code and si_addr. False with errno set if the kernel refuses.
bool install_handler(const Options& options, Protocol& protocol, GuestMemory& memory);

// Gets SIGSEGV and SIGBUS that were sent, on the handler's stack, with its ucontext_t; false:
// nobody handles them, as if there was no function. Async-signal-safe.
using SentSignal = bool (*)(int signal, const siginfo_t& info, void* context);
void set_sent_signal(SentSignal function);

// An alternate signal stack for the calling thread, for its whole life; every thread that runs JIT
// code needs one before it enters it, because guest stack memory is tagged. False with errno set.
bool install_signal_stack();

// Where execution continues after a fault of the guest's own (no such memory, no permission): the
// handler resumes there with guest registers and flags as they are in JIT code, x17 = the memop's
// guest RIP, x20 = the faulting address without tag. 0 (at start): such faults are declined.
void set_fault_trampoline(uintptr_t address);

}  // namespace mtetso
