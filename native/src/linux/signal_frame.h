// SPDX-License-Identifier: MIT
//
// What the kernel puts on an x86-64 program's stack for a signal handler, and takes from there
// afterwards (the kernel's arch/x86/kernel/signal.c, signal_64.c). Pure: no memory is accessed.
#pragma once

#include <signal.h>

#include <cstdint>

#include "linux/abi.h"

namespace mtetso {

// In the order of x86-64's encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 … r15.
struct GuestRegisters {
  uint64_t general[16];
  uint64_t rip;
  uint64_t rflags;
};

// Why the processor raised the signal, for sigcontext; zero for one that was sent.
struct TrapCause {
  uint64_t trap = 0;
  uint64_t error = 0;  // of a page fault: bit 0 protection, 1 write, 2 user mode, 4 fetch
  uint64_t address = 0;
};

// Where a frame goes: `frame` is what rsp is in the handler, `fpstate` the FXSAVE area above it.
struct FramePlace {
  uint64_t frame = 0;
  uint64_t fpstate = 0;
};

// `rsp` is the interrupted code's, or the top of the alternate stack if `alternate`.
FramePlace place_signal_frame(uint64_t rsp, bool alternate);

struct SignalFrameInput {
  const GuestRegisters& registers;
  const siginfo_t& info;
  const x86::SignalAction& action;
  const x86::SignalStack& stack;  // as sigaltstack would return it
  uint64_t mask = 0;              // to be restored
  TrapCause cause;
};

x86::SignalFrame make_signal_frame(const SignalFrameInput& input, const FramePlace& place);

// The handler's registers: rdi, rsi, rdx are its arguments, the direction flag is clear.
GuestRegisters enter_handler(const SignalFrameInput& input, const FramePlace& place);

// What rt_sigreturn restores; `now` has the flags that a program cannot change.
GuestRegisters registers_of(const x86::SignalFrame& frame, const GuestRegisters& now);

}  // namespace mtetso
