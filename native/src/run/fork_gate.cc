// SPDX-License-Identifier: MIT
#include "run/fork_gate.h"

namespace mtetso {

ForkGate& fork_gate() {
  static ForkGate& the = *new ForkGate;  // never destroyed: threads may outlive main
  return the;
}

void ForkGate::enter() {
  for (;;) {
    inside_.fetch_add(1);
    if (!closed_.load()) return;
    leave();
    closed_.wait(true);
  }
}

void ForkGate::leave() {
  inside_.fetch_sub(1);
  if (closed_.load()) inside_.notify_all();
}

void ForkGate::close() {
  while (closed_.exchange(true)) {  // another thread forks first
    leave();
    closed_.wait(true);
    inside_.fetch_add(1);
  }
  for (uint32_t now = inside_.load(); now != 1; now = inside_.load()) inside_.wait(now);
}

void ForkGate::open() {
  closed_.store(false);
  closed_.notify_all();
}

}  // namespace mtetso
