// SPDX-License-Identifier: MIT
//
// futex(2) for the threads of one guest process. The queues are the runtime's own: the kernel never
// reads a futex word that has an owner. Words that other processes may have as well
// (GuestMemory::shared_word) are waited for in the kernel, where the host has them.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "linux/call.h"

namespace mtetso {

// A thread's place in a queue; it belongs to the thread.
struct FutexWaiter {
  GuestThread* thread = nullptr;
  int32_t tid = 0;
  uint64_t address = 0;  // 0: in no queue
  uint32_t bits = 0;
  // 1: woken. With host threads, what the thread waits for in the kernel.
  std::atomic<uint32_t> woken{0};
};

class Futexes {
 public:
  CallResult call(Call& call);
  // Wakes one thread that waits for the word: the end of a thread (CLONE_CHILD_CLEARTID).
  void wake_one(GuestMemory& memory, uint64_t address);
  // Marks the mutexes that the thread holds as left behind, and wakes who waits for them.
  void leave_robust(GuestMemory& memory, GuestThread& thread);
  // Lockstep: a handler interrupts the thread's wait. Returns whether it had been woken; its place
  // is given up, so that the handler may wait itself.
  bool interrupt(LinuxThread& thread);
  // In a new process: the other threads, and their places, are gone.
  void forget_others() { queues_.clear(); }

 private:
  using Queue = std::list<FutexWaiter*>;

  CallResult wait(Call& call, uint32_t bits, std::optional<uint64_t> until);
  CallResult sleep(Call& call, FutexWaiter& waiter, std::optional<uint64_t> until);
  CallResult lock_pi(Call& call, bool only_try, std::optional<uint64_t> until);
  CallResult unlock_pi(Call& call);
  CallResult outside(Call& call, uint32_t command, uint64_t host, std::optional<uint64_t> until);
  CallResult wait_outside(Call& call, uint64_t host, uint32_t value, uint32_t bits,
                          std::optional<uint64_t> until);
  CallResult lock_pi_outside(Call& call, uint64_t host, bool only_try,
                             std::optional<uint64_t> until);
  CallResult unlock_pi_outside(Call& call, uint64_t host);
  CallResult requeue(Call& call, bool compare);
  CallResult wake_operation(Call& call);
  int64_t wake(uint64_t address, uint64_t most, uint32_t bits);
  // All of these with lock_ held.
  void release(FutexWaiter& waiter);
  void enqueue(FutexWaiter& waiter, GuestThread& thread, uint64_t address, uint32_t bits);
  void dequeue(FutexWaiter& waiter);

  std::mutex lock_;
  std::map<uint64_t, Queue> queues_;  // by address
};

}  // namespace mtetso
