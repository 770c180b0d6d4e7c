// SPDX-License-Identifier: MIT

#include "linux/futexes.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "debug/recorder.h"
#include "linux/descriptors.h"
#include "linux/host_call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

uint64_t clock_now(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

// Sets `until` (CLOCK_MONOTONIC, nanoseconds) from the guest's struct timespec; 0 or an error.
int read_deadline(const Call& call, uint64_t address, bool relative, bool realtime,
                  std::optional<uint64_t>& until) {
  if (address == 0) return 0;
  const auto time = call.get<timespec>(address);
  if (!time) return -EFAULT;
  if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= static_cast<long>(kSecond))
    return -EINVAL;
  const uint64_t given =
      std::min<uint64_t>(static_cast<uint64_t>(time->tv_sec), 1ull << 32) * kSecond +
      static_cast<uint64_t>(time->tv_nsec);
  const uint64_t now = monotonic_now();
  if (relative)
    until = now + given;
  else if (!realtime)
    until = given;
  else if (const uint64_t wall = clock_now(CLOCK_REALTIME); given > wall)
    until = now + (given - wall);
  else
    until = now;
  return 0;
}

// Waits in the kernel while *word is 0: 0 or the error, as waiting_call has it.
long wait_for(std::atomic<uint32_t>& word, std::optional<uint64_t> until) {
  timespec limit = {};
  if (until) limit = {static_cast<time_t>(*until / kSecond), static_cast<long>(*until % kSecond)};
  while (word.load(std::memory_order_acquire) == 0) {
    const long result = waiting_call(
        SYS_futex, {{reinterpret_cast<long>(&word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
                     until ? reinterpret_cast<long>(&limit) : 0, 0,
                     static_cast<long>(FUTEX_BITSET_MATCH_ANY)}});
    if (result != 0 && result != -EAGAIN) return result;
  }
  return 0;
}

}  // namespace

void Futexes::enqueue(FutexWaiter& waiter, GuestThread& thread, uint64_t address, uint32_t bits) {
  waiter.thread = &thread;
  waiter.tid = static_cast<LinuxThread&>(*thread.personal).tid;
  waiter.address = address;
  waiter.bits = bits;
  waiter.woken.store(0, std::memory_order_relaxed);
  queues_[address].push_back(&waiter);
}

void Futexes::dequeue(FutexWaiter& waiter) {
  if (waiter.address == 0) return;
  const auto queue = queues_.find(waiter.address);
  queue->second.remove(&waiter);
  if (queue->second.empty()) queues_.erase(queue);
  waiter.address = 0;
}

void Futexes::release(FutexWaiter& waiter) {
  dequeue(waiter);
  waiter.thread->asleep = false;
  waiter.woken.store(1, std::memory_order_release);
  syscall(SYS_futex, &waiter.woken, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
}

int64_t Futexes::wake(uint64_t address, uint64_t most, uint32_t bits) {
  const auto queue = queues_.find(address);
  if (queue == queues_.end()) return 0;
  int64_t woken = 0;
  const Queue waiting = queue->second;
  for (FutexWaiter* one : waiting) {
    if (static_cast<uint64_t>(woken) >= most) break;
    if ((one->bits & bits) == 0) continue;
    release(*one);
    ++woken;
  }
  return woken;
}

// The thread is in a queue, or was woken.
CallResult Futexes::sleep(Call& call, FutexWaiter& waiter, std::optional<uint64_t> until) {
  long result = 0;
  if (call.lockstep()) {
    if (waiter.woken.load(std::memory_order_acquire) == 0) {
      const auto& deadline = call.linux_thread.futex_until;
      if (!deadline || monotonic_now() < *deadline) {
        call.thread.asleep = true;
        if (deadline) call.thread.host_wait = HostWait{{}, deadline};
        return kRetry;
      }
      result = -ETIMEDOUT;
    }
  } else {
    result = wait_for(waiter.woken, until);
  }
  {
    std::scoped_lock hold(lock_);
    dequeue(waiter);
    call.linux_thread.futex_waits = false;
    if (waiter.woken.load(std::memory_order_acquire) != 0) return 0;
  }
  if (result == 0 || result == -ETIMEDOUT) return result;
  return after_host(call, result, until ? Restart::Never : Restart::IfAsked);
}

CallResult Futexes::wait(Call& call, uint32_t bits, std::optional<uint64_t> until) {
  FutexWaiter& waiter = call.linux_thread.futex;
  if (bits == 0) return -EINVAL;
  if (!call.linux_thread.futex_waits) {
    std::scoped_lock hold(lock_);
    const auto word = call.get<uint32_t>(call.arguments[0]);
    if (!word) return -EFAULT;
    if (*word != static_cast<uint32_t>(call.arguments[2])) return -EAGAIN;
    enqueue(waiter, call.thread, call.arguments[0], bits);
    call.linux_thread.futex_waits = true;
    call.linux_thread.futex_until = until;
  }
  return sleep(call, waiter, until);
}

CallResult Futexes::requeue(Call& call, bool compare) {
  std::scoped_lock hold(lock_);
  if (compare) {
    const auto word = call.get<uint32_t>(call.arguments[0]);
    if (!word) return -EFAULT;
    if (*word != static_cast<uint32_t>(call.arguments[5])) return -EAGAIN;
  }
  int64_t done =
      wake(call.arguments[0], static_cast<uint32_t>(call.arguments[2]), FUTEX_BITSET_MATCH_ANY);
  const auto queue = queues_.find(call.arguments[0]);
  if (queue == queues_.end()) return done;
  const Queue waiting = queue->second;
  uint64_t moved = 0;
  for (FutexWaiter* one : waiting) {
    if (moved++ >= static_cast<uint32_t>(call.arguments[3])) break;
    dequeue(*one);
    one->address = call.arguments[4];
    queues_[one->address].push_back(one);
    if (compare) ++done;
  }
  return done;
}

// include/uapi/linux/futex.h: FUTEX_OP.
CallResult Futexes::wake_operation(Call& call) {
  const auto code = static_cast<uint32_t>(call.arguments[5]);
  const auto extended = [&](unsigned low) {
    return static_cast<int32_t>(code << (20 - low)) >> 20;
  };
  const uint32_t operation = code >> 28 & 7, comparison = code >> 24 & 15;
  uint32_t operand = static_cast<uint32_t>(extended(12));
  const auto against = extended(0);
  if ((code >> 31) != 0) operand = 1u << (operand & 31);
  std::scoped_lock hold(lock_);
  const uint64_t address = call.arguments[4];
  auto old = call.get<uint32_t>(address);
  for (;;) {
    if (!old) return -EFAULT;
    const uint32_t made = operation == FUTEX_OP_SET    ? operand
                          : operation == FUTEX_OP_ADD  ? *old + operand
                          : operation == FUTEX_OP_OR   ? *old | operand
                          : operation == FUTEX_OP_ANDN ? *old & ~operand
                                                       : *old ^ operand;
    uint32_t seen = *old;
    if (!call.compare_swap(address, seen, made)) return -EFAULT;
    if (seen == *old) break;
    old = seen;
  }
  const auto value = static_cast<int32_t>(*old);
  bool holds = false;
  switch (comparison) {
    case FUTEX_OP_CMP_EQ:
      holds = value == against;
      break;
    case FUTEX_OP_CMP_NE:
      holds = value != against;
      break;
    case FUTEX_OP_CMP_LT:
      holds = value < against;
      break;
    case FUTEX_OP_CMP_LE:
      holds = value <= against;
      break;
    case FUTEX_OP_CMP_GT:
      holds = value > against;
      break;
    case FUTEX_OP_CMP_GE:
      holds = value >= against;
      break;
    default:
      return -ENOSYS;
  }
  int64_t done =
      wake(call.arguments[0], static_cast<uint32_t>(call.arguments[2]), FUTEX_BITSET_MATCH_ANY);
  if (holds)
    done += wake(address, static_cast<uint32_t>(call.arguments[3]), FUTEX_BITSET_MATCH_ANY);
  return done;
}

// The word: the owner's tid, and whether others wait. The next owner gets it from the last one, so
// nobody can come in between; priorities are the kernel's, which knows nothing of these queues.
CallResult Futexes::lock_pi(Call& call, bool only_try, std::optional<uint64_t> until) {
  FutexWaiter& waiter = call.linux_thread.futex;
  const auto tid = static_cast<uint32_t>(call.linux_thread.tid);
  const uint64_t address = call.arguments[0];
  if (!call.linux_thread.futex_waits) {
    std::scoped_lock hold(lock_);
    auto word = call.get<uint32_t>(address);
    for (;;) {
      if (!word) return -EFAULT;
      const uint32_t owner = *word & FUTEX_TID_MASK;
      if (owner == tid) return -EDEADLK;
      if (owner != 0 && only_try) return -EAGAIN;
      const bool died = (*word & FUTEX_OWNER_DIED) != 0;
      const uint32_t made = owner == 0
                                ? tid | (*word & FUTEX_WAITERS) | (died ? FUTEX_OWNER_DIED : 0)
                                : *word | FUTEX_WAITERS;
      uint32_t seen = *word;
      if (!call.compare_swap(address, seen, made)) return -EFAULT;
      if (seen != *word) {
        word = seen;
        continue;
      }
      if (owner == 0) return 0;
      break;
    }
    enqueue(waiter, call.thread, address, FUTEX_BITSET_MATCH_ANY);
    call.linux_thread.futex_waits = true;
    call.linux_thread.futex_until = until;
  }
  return sleep(call, waiter, until);
}

CallResult Futexes::unlock_pi(Call& call) {
  const uint64_t address = call.arguments[0];
  std::scoped_lock hold(lock_);
  auto word = call.get<uint32_t>(address);
  for (;;) {
    if (!word) return -EFAULT;
    if ((*word & FUTEX_TID_MASK) != static_cast<uint32_t>(call.linux_thread.tid)) return -EPERM;
    const auto queue = queues_.find(address);
    FutexWaiter* next = queue == queues_.end() ? nullptr : queue->second.front();
    uint32_t made = 0;
    if (next != nullptr) {
      made = static_cast<uint32_t>(next->tid);
      if (queue->second.size() > 1) made |= FUTEX_WAITERS;
    }
    uint32_t seen = *word;
    if (!call.compare_swap(address, seen, made)) return -EFAULT;
    if (seen == *word) {
      if (next != nullptr) release(*next);
      return 0;
    }
    word = seen;
  }
}

// A word in memory that is shared with other processes, at `host`: what waits there waits in the
// kernel. In lockstep another thread of this process may be the one that is waited for: there the
// word is looked at until it changes.
CallResult Futexes::outside(Call& call, uint32_t command, uint64_t host,
                            std::optional<uint64_t> until) {
  const auto value = static_cast<uint32_t>(call.arguments[2]);
  switch (command) {
    case FUTEX_WAIT:
      return wait_outside(call, host, value, FUTEX_BITSET_MATCH_ANY, until);
    case FUTEX_WAIT_BITSET:
      return wait_outside(call, host, value, static_cast<uint32_t>(call.arguments[5]), until);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
      return host_call(SYS_futex, {{static_cast<long>(host), static_cast<long>(command), value, 0,
                                    0, static_cast<long>(call.arguments[5])}});
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP: {
      const uint64_t other = call.process.memory().shared_word(call.arguments[4]);
      if (other == 0) return -EINVAL;
      return host_call(SYS_futex, {{static_cast<long>(host), static_cast<long>(command), value,
                                    static_cast<long>(call.arguments[3]), static_cast<long>(other),
                                    static_cast<long>(call.arguments[5])}});
    }
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_TRYLOCK_PI:
      return lock_pi_outside(call, host, command == FUTEX_TRYLOCK_PI, until);
    case FUTEX_UNLOCK_PI:
      return unlock_pi_outside(call, host);
    default:
      return -ENOSYS;
  }
}

CallResult Futexes::wait_outside(Call& call, uint64_t host, uint32_t value, uint32_t bits,
                                 std::optional<uint64_t> until) {
  timespec limit = {};
  if (until) limit = {static_cast<time_t>(*until / kSecond), static_cast<long>(*until % kSecond)};
  if (!must_not_wait(call))
    return answer(call,
                  waiting_call(SYS_futex, {{static_cast<long>(host), FUTEX_WAIT_BITSET, value,
                                            until ? reinterpret_cast<long>(&limit) : 0, 0,
                                            static_cast<long>(bits)}}),
                  until ? Restart::Never : Restart::IfAsked);
  auto& deadline = call.linux_thread.deadline;
  const bool waited = std::exchange(call.linux_thread.waits_outside, true);
  if (until && !waited) deadline = *until;
  CallResult result = waited ? 0 : -EAGAIN;
  const auto word = call.get<uint32_t>(call.arguments[0]);
  if (!word) return -EFAULT;
  if (*word == value) {
    if (deadline && monotonic_now() >= *deadline)
      result = -ETIMEDOUT;
    else
      return try_often(call, deadline ? Restart::Never : Restart::IfAsked);
  }
  return result;
}

// The owner's number is what a guest thread's is; who gets the word from another says that others
// may be waiting, as it cannot know.
CallResult Futexes::lock_pi_outside(Call& call, uint64_t host, bool only_try,
                                    std::optional<uint64_t> until) {
  const auto tid = static_cast<uint32_t>(call.linux_thread.tid);
  const uint64_t address = call.arguments[0];
  for (;;) {
    const auto word = call.get<uint32_t>(address);
    if (!word) return -EFAULT;
    const uint32_t owner = *word & FUTEX_TID_MASK;
    if (owner == tid) return -EDEADLK;
    if (owner != 0 && only_try) return -EAGAIN;
    const uint32_t made =
        owner == 0 ? tid | FUTEX_WAITERS | (*word & FUTEX_OWNER_DIED) : *word | FUTEX_WAITERS;
    uint32_t seen = *word;
    if (!call.compare_swap(address, seen, made)) return -EFAULT;
    if (seen != *word) continue;
    if (owner == 0) return 0;
    const CallResult result = wait_outside(call, host, made, FUTEX_BITSET_MATCH_ANY, until);
    if (result.next != SystemCalls::Next::Return) return result;
    if (result.value != 0 && result.value != -EAGAIN) return result;
  }
}

CallResult Futexes::unlock_pi_outside(Call& call, uint64_t host) {
  auto word = call.get<uint32_t>(call.arguments[0]);
  for (;;) {
    if (!word) return -EFAULT;
    if ((*word & FUTEX_TID_MASK) != static_cast<uint32_t>(call.linux_thread.tid)) return -EPERM;
    uint32_t seen = *word;
    if (!call.compare_swap(call.arguments[0], seen, 0)) return -EFAULT;
    if (seen == *word) break;
    word = seen;
  }
  if ((*word & FUTEX_WAITERS) != 0)
    host_call(SYS_futex, {{static_cast<long>(host), FUTEX_WAKE, 1}});
  return 0;
}

CallResult Futexes::call(Call& call) {
  const auto operation = static_cast<uint32_t>(call.arguments[1]);
  const uint32_t command = operation & FUTEX_CMD_MASK;
  const bool realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
  const uint64_t address = call.arguments[0];
  if (address % 4 != 0) return -EINVAL;
  std::optional<uint64_t> until;
  const bool waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET ||
                     command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
  if (waits && !call.linux_thread.futex_waits)
    if (const int wrong = read_deadline(call, call.arguments[3], command == FUTEX_WAIT,
                                        realtime || command == FUTEX_LOCK_PI, until);
        wrong != 0)
      return wrong;
  if (const uint64_t host = call.process.memory().shared_word(address); host != 0)
    return outside(call, command, host, until);
  switch (command) {
    case FUTEX_WAIT:
      return wait(call, FUTEX_BITSET_MATCH_ANY, until);
    case FUTEX_WAIT_BITSET:
      return wait(call, static_cast<uint32_t>(call.arguments[5]), until);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: {
      const bool any = command == FUTEX_WAKE;
      std::scoped_lock hold(lock_);
      return wake(address, static_cast<uint32_t>(call.arguments[2]),
                  any ? FUTEX_BITSET_MATCH_ANY : static_cast<uint32_t>(call.arguments[5]));
    }
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      return requeue(call, command == FUTEX_CMP_REQUEUE);
    case FUTEX_WAKE_OP:
      return wake_operation(call);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_TRYLOCK_PI:
      return lock_pi(call, command == FUTEX_TRYLOCK_PI, until);
    case FUTEX_UNLOCK_PI:
      return unlock_pi(call);
    default:
      return -ENOSYS;
  }
}

bool Futexes::interrupt(LinuxThread& thread) {
  std::scoped_lock hold(lock_);
  dequeue(thread.futex);
  thread.futex_waits = false;
  return thread.futex.woken.load(std::memory_order_acquire) != 0;
}

void Futexes::wake_one(GuestMemory& memory, uint64_t address) {
  if (const uint64_t host = memory.shared_word(address); host != 0) {
    host_call(SYS_futex, {{static_cast<long>(host), FUTEX_WAKE, 1}});
    return;
  }
  std::scoped_lock hold(lock_);
  wake(address, 1, FUTEX_BITSET_MATCH_ANY);
}

// kernel/futex/core.c: exit_robust_list.
void Futexes::leave_robust(GuestMemory& memory, GuestThread& thread) {
  struct Head {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
  } list;
  mtedbg_GuestFrame* frame = &thread.frame->guest;
  const auto& own = static_cast<LinuxThread&>(*thread.personal);
  const uint64_t head = own.robust_list;
  if (head == 0 || !memory.host_read(frame, head, &list, sizeof list)) return;
  const auto leave = [&](uint64_t entry) {
    const uint64_t address = (entry & ~uint64_t{1}) + static_cast<uint64_t>(list.offset);
    uint32_t word = 0;
    if (!memory.host_read(frame, address, &word, sizeof word)) return;
    while ((word & FUTEX_TID_MASK) == static_cast<uint32_t>(own.tid)) {
      uint32_t seen = word;
      const uint32_t left = (seen & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
      if (!memory.host_compare_swap(frame, address, seen, left)) return;
      if (seen == word) {
        if ((seen & FUTEX_WAITERS) != 0) wake_one(memory, address);
        return;
      }
      word = seen;
    }
  };
  uint64_t entry = list.next;
  for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~uint64_t{1}) != head; ++i) {
    uint64_t next = 0;
    const bool more = memory.host_read(frame, entry & ~uint64_t{1}, &next, sizeof next);
    if (entry != list.pending) leave(entry);
    if (!more) break;
    entry = next;
  }
  if (list.pending != 0) leave(list.pending);
}

}  // namespace mtetso
