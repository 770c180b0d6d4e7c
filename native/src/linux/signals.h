// SPDX-License-Identifier: MIT
//
// The guest's signals: what it wants done with each, and how a handler is entered and left.
#pragma once

#include <poll.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <span>

#include "linux/abi.h"
#include "linux/signal_frame.h"
#include "run/process.h"

namespace mtetso {

class Futexes;
class GuestMemory;
struct LinuxThread;

constexpr uint64_t signal_bit(int signal) { return uint64_t{1} << (signal - 1); }

// A handler of the guest's, not SIG_DFL or SIG_IGN.
constexpr bool is_handler(uint64_t handler) { return handler > 1; }

// The guest's mask as a host thread may have it: SIGSEGV and SIGBUS are the fault handler's.
constexpr uint64_t host_mask(uint64_t mask) {
  return mask & ~(signal_bit(SIGSEGV) | signal_bit(SIGBUS));
}

// SIGKILL and SIGSTOP can neither be blocked nor handled.
inline constexpr uint64_t kUnblockable = signal_bit(SIGKILL) | signal_bit(SIGSTOP);

// A guest's own fault, as the kernel would report it.
struct GuestTrap {
  int signal = 0;
  int code = 0;
  uint64_t address = 0;  // si_addr
  TrapCause cause;
};

class Signals {
 public:
  // Takes over the dispositions that this process was started with.
  explicit Signals(Futexes& futexes);

  x86::SignalAction action(int signal);
  void set_action(int signal, const x86::SignalAction& action);
  // After a host thread was made: in a child the C library takes its signal again.
  void renew_set_id();
  // Every handler is the default action again; what is ignored stays so.
  void forget_handlers();
  // Lockstep: the signal waits in the kernel until a thread asks for it (sigtimedwait).
  void hold_back(int signal) { held_ |= signal_bit(signal); }
  // Whether a call that this signal has ended is made again; false for 0.
  bool restarts(int signal);

  // Before the thread runs generated code, on its host thread: enters the handlers of what has
  // arrived. Throws GuestExit where the process dies of it. `all`, in lockstep: the threads that
  // have this host thread; a signal of the process's is for one that does not block it.
  void deliver(GuestMemory& memory, GuestThread& thread, std::span<GuestThread* const> all);

  // See SystemCalls::awaits_signals and wait. `all`: the threads that sleep.
  bool awaited(std::span<GuestThread* const> all);
  long wait(std::span<GuestThread* const> all, std::span<pollfd> descriptors,
            const timespec* limit);

  // Whether the thread has a handler for its own fault: one that is not blocked.
  bool handles(GuestThread& thread, int signal);
  // The thread's own fault: enters the handler; false if there is none.
  bool raise(GuestMemory& memory, GuestThread& thread, const GuestTrap& trap);

  // rt_sigreturn. False: there is no frame (the process is to die of SIGSEGV).
  bool leave_handler(GuestMemory& memory, GuestThread& thread);

 private:
  void enter(GuestMemory& memory, GuestThread& thread, const siginfo_t& info,
             const x86::SignalAction& action, const TrapCause& cause);
  // Ends what the thread waits for in lockstep, as the kernel does before a handler.
  void end_wait(LinuxThread& mine, GuestRegisters& registers, bool restarts);
  void handle(GuestMemory& memory, GuestThread& thread, const siginfo_t& info);

  Futexes& futexes_;
  uint64_t held_ = 0;
  std::mutex lock_;
  std::array<x86::SignalAction, x86::kSignals + 1> actions_{};
};

// Ends this process by the signal's default action: what its parent waits for, and a core, are as
// the kernel has them.
[[noreturn]] void die_of_signal(int signal);

// Whether rsp is on the thread's alternate stack.
bool on_alternate_stack(const x86::SignalStack& stack, uint64_t rsp);

}  // namespace mtetso
