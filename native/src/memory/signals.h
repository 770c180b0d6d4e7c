// SPDX-License-Identifier: MIT
//
// Signals that can wait while a thread holds the protocol's lock. All but those that an instruction
// raises (POSIX XSH 2.4.1): a fault under the lock is a bug that must be seen at once.
#pragma once

#include <signal.h>

namespace mtetso {

inline sigset_t deferrable_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int one : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT}) sigdelset(&set, one);
  return set;
}

// Holds them back during its lifetime. Async-signal-safe.
class SignalsHeld {
 public:
  SignalsHeld() {
    const sigset_t set = deferrable_signals();
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

}  // namespace mtetso
