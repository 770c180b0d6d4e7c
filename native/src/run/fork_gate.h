// SPDX-License-Identifier: MIT
//
// A child process has a copy of all memory and one thread. No other thread may be in the middle of
// something in that copy: hold a lock, have half of a list written. So every thread is *inside*
// while it runs the runtime's own code, and outside while it runs generated code or waits in the
// kernel; a thread forks when it is alone inside. The fault handler, which runs while its thread is
// outside, takes two locks (GuestMemory's and Protocol's), which are taken besides; where it reads
// without one, the child forgets that it did (LeftRight::forget_readers).
#pragma once

#include <atomic>
#include <cstdint>

namespace mtetso {

class ForkGate {
 public:
  void enter();
  void leave();
  // The caller, which is inside, is alone there until it opens the gate.
  void close();
  void open();

 private:
  std::atomic<uint32_t> inside_{0};
  std::atomic<bool> closed_{false};
};

ForkGate& fork_gate();

// Inside during its lifetime.
class InRuntime {
 public:
  InRuntime() { fork_gate().enter(); }
  ~InRuntime() { fork_gate().leave(); }
  InRuntime(const InRuntime&) = delete;
  InRuntime& operator=(const InRuntime&) = delete;
};

// Outside during its lifetime.
class OutOfRuntime {
 public:
  OutOfRuntime() { fork_gate().leave(); }
  ~OutOfRuntime() { fork_gate().enter(); }
  OutOfRuntime(const OutOfRuntime&) = delete;
  OutOfRuntime& operator=(const OutOfRuntime&) = delete;
};

}  // namespace mtetso
