// SPDX-License-Identifier: MIT
//
// Signals that can wait while a thread holds the protocol's lock. All but those that an instruction
// raises (POSIX XSH 2.4.1): a fault under the lock is a bug that must be seen at once. The kernel's
// own calls: the C library leaves out two signals that it keeps for itself, and they are the
// guest's.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace mtetso {

inline sigset_t deferrable_signals() {
  sigset_t set;
  std::memset(&set, 0xff, sizeof set);
  for (const int one : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT}) sigdelset(&set, one);
  return set;
}

// Holds them back during its lifetime. Async-signal-safe.
class SignalsHeld {
 public:
  SignalsHeld() {
    const sigset_t set = deferrable_signals();
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &before_, kSize);
  }
  ~SignalsHeld() { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kSize); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  static constexpr size_t kSize = 8;  // bytes of the kernel's signal sets
  sigset_t before_;
};

}  // namespace mtetso
