// SPDX-License-Identifier: MIT
//
// System V semaphores and messages, and POSIX message queues. They are the kernel's own; what is
// left is to wait for them in lockstep, and one structure.
#include <fcntl.h>
#include <linux/msg.h>
#include <linux/sem.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "linux/abi.h"
#include "linux/call.h"
#include "linux/descriptors.h"
#include "linux/host_call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

using x86::SemaphoreSet;

constexpr uint64_t kSecond = 1'000'000'000;
// struct msqid64_ds, struct msginfo, struct mq_attr: the same on both machines.
constexpr size_t kQueue = 120, kMessageLimits = 32, kAttributes = 64;
constexpr int kSetStatAny = 20, kQueueStatAny = 13;  // SEM_STAT_ANY, MSG_STAT_ANY

constexpr uint32_t kNotify = 244;

struct Notification {  // struct sigevent, the same on both
  uint64_t value;
  int32_t signal, notify, unused[12];
};
static_assert(sizeof(Notification) == sizeof(sigevent));

long pointer(const void* to) { return reinterpret_cast<long>(to); }

bool proper(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < static_cast<long>(kSecond);
}

CallResult values(Call& call, long number) {
  return host_call(number,
                   {{static_cast<long>(call.arguments[0]), static_cast<long>(call.arguments[1]),
                     static_cast<long>(call.arguments[2])}});
}

CallResult semget(Call& call) { return values(call, SYS_semget); }
CallResult msgget(Call& call) { return values(call, SYS_msgget); }

// How many semaphores a set has; 0 or less: the error.
long semaphores(int set) {
  semid64_ds about = {};
  const long result = host_call(SYS_semctl, {{set, 0, IPC_STAT, pointer(&about)}});
  return result < 0 ? result : static_cast<long>(about.sem_nsems);
}

CallResult every_value(Call& call, int set, int command) {
  const long count = semaphores(set);
  if (count < 0) return count;
  std::vector<uint16_t> all(static_cast<size_t>(count));
  const size_t size = all.size() * sizeof all[0];
  if (command == SETALL && !call.read(call.arguments[3], all.data(), size)) return -EFAULT;
  const long result = host_call(SYS_semctl, {{set, 0, command, pointer(all.data())}});
  if (result >= 0 && command == GETALL && !call.write(call.arguments[3], all.data(), size))
    return -EFAULT;
  return result;
}

// The structure of x86-64 has a word after each time (arch/x86/include/uapi/asm/sembuf.h).
CallResult about_set(Call& call, int set, int index, int command) {
  SemaphoreSet guest = {};
  semid64_ds host = {};
  static_assert(sizeof guest.permissions == sizeof host.sem_perm);
  if (command == IPC_SET) {
    const auto given = call.get<SemaphoreSet>(call.arguments[3]);
    if (!given) return -EFAULT;
    std::memcpy(&host.sem_perm, given->permissions, sizeof host.sem_perm);
  }
  const long result = host_call(SYS_semctl, {{set, index, command, pointer(&host)}});
  if (result < 0 || command == IPC_SET) return result;
  std::memcpy(guest.permissions, &host.sem_perm, sizeof host.sem_perm);
  guest.used = host.sem_otime;
  guest.changed = host.sem_ctime;
  guest.count = host.sem_nsems;
  return call.put(call.arguments[3], guest) ? CallResult(result) : -EFAULT;
}

CallResult semctl(Call& call) {
  const int set = call.number_at(0), index = call.number_at(1), command = call.number_at(2);
  switch (command) {
    case IPC_RMID:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case GETVAL:
      return host_call(SYS_semctl, {{set, index, command}});
    case SETVAL:
      return host_call(SYS_semctl, {{set, index, command, call.number_at(3)}});
    case GETALL:
    case SETALL:
      return every_value(call, set, command);
    case IPC_SET:
    case IPC_STAT:
    case SEM_STAT:
    case kSetStatAny:
      return about_set(call, set, index, command);
    case IPC_INFO:
    case SEM_INFO: {
      seminfo limits = {};
      const long result = host_call(SYS_semctl, {{set, index, command, pointer(&limits)}});
      return result < 0 || call.put(call.arguments[3], limits) ? CallResult(result) : -EFAULT;
    }
    default:
      return -EINVAL;
  }
}

// Whether it is an operation with IPC_NOWAIT that cannot be done. The kernel does not say which one
// it was.
bool refuses(int set, const std::vector<sembuf>& operations) {
  const auto waits = [](const sembuf& one) { return (one.sem_flg & IPC_NOWAIT) == 0; };
  if (std::all_of(operations.begin(), operations.end(), waits)) return false;
  if (std::none_of(operations.begin(), operations.end(), waits)) return true;
  const long count = semaphores(set);
  std::vector<uint16_t> all(static_cast<size_t>(std::max(count, 0L)));
  if (count < 0 || host_call(SYS_semctl, {{set, 0, GETALL, pointer(all.data())}}) < 0) return true;
  for (const sembuf& one : operations) {
    if (one.sem_num >= all.size()) return true;
    const int value = all[one.sem_num];
    if (one.sem_op == 0 ? value != 0 : value + one.sem_op < 0) return !waits(one);
    all[one.sem_num] = static_cast<uint16_t>(value + one.sem_op);
  }
  return false;  // they can be done by now
}

CallResult operate(Call& call, std::optional<timespec> limit) {
  constexpr uint64_t kMost = 1 << 16;  // more than any limit of operations
  const int set = call.number_at(0);
  const uint64_t count = std::min<uint64_t>(call.arguments[2], kMost);
  std::vector<sembuf> operations(std::max<uint64_t>(count, 1));
  if (!call.read(call.arguments[1], operations.data(), count * sizeof(sembuf))) return -EFAULT;
  const auto attempt = [&](const timespec* most) {
    return waiting_call(SYS_semtimedop, {{set, pointer(operations.data()),
                                          static_cast<long>(call.arguments[2]), pointer(most)}});
  };
  if (!must_not_wait(call)) return answer(call, attempt(limit ? &*limit : nullptr), Restart::Never);
  const timespec none = {};
  const long result = attempt(!limit || proper(*limit) ? &none : &*limit);
  if (result == -EAGAIN && !refuses(set, operations)) {
    std::optional<uint64_t> after;
    if (limit)
      after = static_cast<uint64_t>(std::min<int64_t>(limit->tv_sec, INT_MAX)) * kSecond +
              static_cast<uint64_t>(limit->tv_nsec);
    if (const auto later = try_again(call, {}, after, true)) return *later;
  }
  if (result != kNotStarted) call.linux_thread.deadline.reset();
  return answer(call, result, Restart::Never);
}

CallResult semop(Call& call) { return operate(call, std::nullopt); }

CallResult semtimedop(Call& call) {
  if (call.arguments[3] == 0) return operate(call, std::nullopt);
  const auto limit = call.get<timespec>(call.arguments[3]);
  return limit ? operate(call, limit) : -EFAULT;
}

// A message that cannot be sent or received yet is tried again in lockstep: no descriptor shows it.
template <typename Try>
CallResult send_or_receive(Call& call, int flags, int not_yet, const Try& attempt) {
  const bool tries = must_not_wait(call) && (flags & IPC_NOWAIT) == 0;
  const long result = attempt(tries ? flags | IPC_NOWAIT : flags);
  if (tries && result == not_yet) return try_often(call, Restart::Never);
  return answer(call, result, Restart::Never);
}

CallResult msgsnd(Call& call) {
  const uint64_t size = call.arguments[2];
  if (size > Call::kMostBytes) return -EINVAL;
  std::vector<char> message(sizeof(long) + size);
  if (!call.read(call.arguments[1], message.data(), message.size())) return -EFAULT;
  return send_or_receive(call, call.number_at(3), -EAGAIN, [&](int flags) {
    return waiting_call(
        SYS_msgsnd, {{call.number_at(0), pointer(message.data()), static_cast<long>(size), flags}});
  });
}

CallResult msgrcv(Call& call) {
  if (static_cast<int64_t>(call.arguments[2]) < 0) return -EINVAL;
  const uint64_t size = std::min(call.arguments[2], Call::kMostBytes);
  std::vector<char> message(sizeof(long) + size);
  const CallResult result = send_or_receive(call, call.number_at(4), -ENOMSG, [&](int flags) {
    return waiting_call(SYS_msgrcv,
                        {{call.number_at(0), pointer(message.data()), static_cast<long>(size),
                          static_cast<long>(call.arguments[3]), flags}});
  });
  if (result.next != SystemCalls::Next::Return || result.value < 0) return result;
  const size_t length = sizeof(long) + static_cast<size_t>(result.value);
  return call.write(call.arguments[1], message.data(), length) ? result : -EFAULT;
}

CallResult msgctl(Call& call) {
  const int queue = call.number_at(0), command = call.number_at(1);
  char about[kQueue] = {};
  size_t in = 0, out = 0;
  switch (command) {
    case IPC_RMID:
      break;
    case IPC_SET:
      in = kQueue;
      break;
    case IPC_STAT:
    case MSG_STAT:
    case kQueueStatAny:
      out = kQueue;
      break;
    case IPC_INFO:
    case MSG_INFO:
      out = kMessageLimits;
      break;
    default:
      return -EINVAL;
  }
  if (in != 0 && !call.read(call.arguments[2], about, in)) return -EFAULT;
  const long result = host_call(SYS_msgctl, {{queue, command, pointer(about)}});
  if (result >= 0 && out != 0 && !call.write(call.arguments[2], about, out)) return -EFAULT;
  return result;
}

// The name of a queue: 0 or the error. It has a `/` in front, which the C library takes off before
// it calls the kernel, and which QEMU's user mode looks for there.
int read_name(Call& call, std::string& name) {
  const int error = call.read_string(call.arguments[0], name);
  name.insert(0, 1, '/');
  return error;
}

CallResult mq_open(Call& call) {
  std::string name;
  if (const int error = read_name(call, name); error != 0) return error;
  char attributes[kAttributes] = {};
  const bool given = call.arguments[3] != 0;
  if (given && !call.read(call.arguments[3], attributes, sizeof attributes)) return -EFAULT;
  return host_call(SYS_mq_open,
                   {{pointer(name.c_str() + 1), call.number_at(1),
                     static_cast<long>(call.arguments[2]), given ? pointer(attributes) : 0}});
}

CallResult mq_unlink(Call& call) {
  std::string name;
  if (const int error = read_name(call, name); error != 0) return error;
  return host_call(SYS_mq_unlink, {{pointer(name.c_str() + 1)}});
}

// Nanoseconds until a time of day.
uint64_t left_until(const timespec& then) {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t seconds = std::min<int64_t>(then.tv_sec - now.tv_sec, INT_MAX);
  const int64_t left = seconds * static_cast<int64_t>(kSecond) + then.tv_nsec - now.tv_nsec;
  return static_cast<uint64_t>(std::max<int64_t>(left, 0));
}

// Lockstep, with a time limit: what the call is to return if the queue is not ready yet.
std::optional<CallResult> not_ready(Call& call, short events, const timespec& until) {
  if (!must_not_wait(call) || !proper(until)) return std::nullopt;
  const long flags = host_call(SYS_fcntl, {{call.number_at(0), F_GETFL}});
  pollfd one{call.number_at(0), events, 0};
  if (flags < 0 || (flags & O_NONBLOCK) != 0 || ::poll(&one, 1, 0) != 0) return std::nullopt;
  return try_again(call, {&one, 1}, left_until(until));
}

// `make` makes the call, with the address of its time limit.
template <typename Make>
CallResult when_ready(Call& call, short events, const Make& make) {
  std::optional<timespec> until;
  if (call.arguments[4] != 0) {
    until = call.get<timespec>(call.arguments[4]);
    if (!until) return -EFAULT;
  }
  const auto later =
      until ? not_ready(call, events, *until) : wait_until_ready(call, call.number_at(0), events);
  if (later) return *later;
  const long result = make(until ? pointer(&*until) : 0);
  if (result != kNotStarted) call.linux_thread.deadline.reset();
  return answer(call, result, Restart::IfAsked);
}

CallResult mq_timedsend(Call& call) {
  const uint64_t size = call.arguments[2];
  if (size > Call::kMostBytes) return -EMSGSIZE;
  std::vector<char> message(std::max<uint64_t>(size, 1));
  if (!call.read(call.arguments[1], message.data(), size)) return -EFAULT;
  return when_ready(call, POLLOUT, [&](long until) {
    return waiting_call(SYS_mq_timedsend,
                        {{call.number_at(0), pointer(message.data()), static_cast<long>(size),
                          static_cast<long>(call.arguments[3]), until}});
  });
}

CallResult mq_timedreceive(Call& call) {
  const uint64_t size = std::min(call.arguments[2], Call::kMostBytes);
  std::vector<char> message(std::max<uint64_t>(size, 1));
  uint32_t priority = 0;
  const CallResult result = when_ready(call, POLLIN, [&](long until) {
    return waiting_call(SYS_mq_timedreceive,
                        {{call.number_at(0), pointer(message.data()), static_cast<long>(size),
                          pointer(&priority), until}});
  });
  if (result.next != SystemCalls::Next::Return || result.value < 0) return result;
  if (!call.write(call.arguments[1], message.data(), static_cast<size_t>(result.value)) ||
      (call.arguments[3] != 0 && !call.put(call.arguments[3], priority)))
    return -EFAULT;
  return result;
}

// The kernel's, which QEMU's user mode does not pass on. SIGEV_THREAD is a message to a socket of
// the C library's, whose descriptor is in the place of the signal; the value points to what it has.
CallResult mq_notify(Call& call) {
  constexpr size_t kCookie = 32;  // NOTIFY_COOKIE_LEN
  if (call.arguments[1] == 0) return host_call(SYS_mq_notify, {{call.number_at(0)}});
  auto event = call.get<Notification>(call.arguments[1]);
  if (!event) return -EFAULT;
  char cookie[kCookie];
  if (event->notify == SIGEV_THREAD) {
    if (!call.read(event->value, cookie, sizeof cookie)) return -EFAULT;
    event->value = reinterpret_cast<uint64_t>(cookie);
  }
  const long result = host_call(SYS_mq_notify, {{call.number_at(0), pointer(&*event)}});
  if (result == -ENOSYS) call.process.report_missing(kNotify);
  return result;
}

}  // namespace

CallRows queue_calls() {
  static constexpr CallRow rows[] = {
      {64, "semget", 3, semget},
      {65, "semop", 3, semop},
      {66, "semctl", 4, semctl},
      {68, "msgget", 2, msgget},
      {69, "msgsnd", 4, msgsnd},
      {70, "msgrcv", 5, msgrcv},
      {71, "msgctl", 3, msgctl},
      {220, "semtimedop", 4, semtimedop},
      {240, "mq_open", 4, mq_open},
      {241, "mq_unlink", 1, mq_unlink},
      {242, "mq_timedsend", 5, mq_timedsend},
      {243, "mq_timedreceive", 5, mq_timedreceive},
      {kNotify, "mq_notify", 2, mq_notify},
  };
  return rows;
}

}  // namespace mtetso
