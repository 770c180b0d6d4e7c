// SPDX-License-Identifier: MIT
//
// Waiting for descriptors and for time.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>
#include <vector>

#include "linux/abi.h"
#include "linux/arrival.h"
#include "linux/call.h"
#include "linux/descriptors.h"
#include "linux/process.h"
#include "linux/signals.h"

namespace mtetso {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kSignalSet = 8;

long pointer(const void* to) { return reinterpret_cast<long>(to); }

timespec from_nanoseconds(uint64_t time) {
  return {static_cast<time_t>(time / kSecond), static_cast<long>(time % kSecond)};
}

bool proper(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < kSecond;
}

uint64_t nanoseconds(const timespec& time) {
  constexpr int64_t kMost = INT64_MAX / kSecond - 1;
  return static_cast<uint64_t>(std::min<int64_t>(time.tv_sec, kMost) * kSecond + time.tv_nsec);
}

uint64_t now(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return nanoseconds(time);
}

// How long a call waits: for ever, if there is no value.
using Limit = std::optional<uint64_t>;

// A signal set that a call has while it waits.
struct WaitMask {
  bool given = false;
  uint64_t set = 0;
  long address() const { return given ? pointer(&set) : 0; }
};

// False: a bad address.
bool take_mask(Call& call, uint64_t address, WaitMask& mask) {
  if (address == 0) return true;
  const auto set = call.get<uint64_t>(address);
  if (!set) return false;
  mask = {true, host_mask(*set)};
  return true;
}

// One try of a call that waits: the time that it may take, and its result. In lockstep the thread
// has the call's mask in tries and between them; Signals::enter leaves it, too.
template <typename Try, typename Waits>
CallResult wait_with(Call& call, const Limit& limit, const WaitMask& mask, const Try& attempt,
                     const Waits& waits) {
  if (!must_not_wait(call)) return attempt(limit);
  LinuxThread& mine = call.linux_thread;
  mine.mask = mine.end_suspension();
  if (mask.given) mine.suspended = std::exchange(mine.mask, mask.set & ~kUnblockable);
  const CallResult result = attempt(Limit(0));
  if (result.next == SystemCalls::Next::Return && result.value == 0 && limit != Limit(0)) {
    if (const auto later = try_again(call, waits(), limit)) return *later;
  } else {
    mine.deadline.reset();
  }
  if (arrived() == 0) mine.mask = mine.end_suspension();  // else its handler is entered next
  return result;
}

CallResult poll_for(Call& call, const Limit& limit, const WaitMask& mask) {
  const uint64_t count = call.arguments[1];
  constexpr uint64_t kMost = 1 << 20;  // more than any limit of descriptors
  if (count > kMost) return -EINVAL;
  std::vector<pollfd> all(count);
  const size_t size = count * sizeof(pollfd);
  if (!call.read(call.arguments[0], all.data(), size)) return -EFAULT;
  const auto attempt = [&](const Limit& most) {
    timespec time = from_nanoseconds(most.value_or(0));
    return answer(
        call,
        waiting_call(SYS_ppoll, {{pointer(all.data()), static_cast<long>(count),
                                  most ? pointer(&time) : 0, mask.address(), kSignalSet}}),
        Restart::Never);
  };
  const CallResult result = wait_with(call, limit, mask, attempt, [&] { return std::span(all); });
  if (result.next == SystemCalls::Next::Return && result.value >= 0 &&
      !call.write(call.arguments[0], all.data(), size))
    return -EFAULT;
  return result;
}

CallResult poll(Call& call) {
  const int milliseconds = call.number_at(2);
  Limit limit;
  if (milliseconds >= 0) limit = static_cast<uint64_t>(milliseconds) * 1'000'000;
  return poll_for(call, limit, {});
}

// A relative time limit at `address`; false: an error.
int take_limit(Call& call, uint64_t address, Limit& limit) {
  if (address == 0) return 0;
  const auto time = call.get<timespec>(address);
  if (!time) return -EFAULT;
  if (!proper(*time)) return -EINVAL;
  limit = nanoseconds(*time);
  return 0;
}

// What is left of a limit, as the kernel writes it back; a bad address is no error there.
class Remaining {
 public:
  explicit Remaining(const Limit& limit) : limit_(limit), begun_(now(CLOCK_MONOTONIC)) {}
  uint64_t left() const {
    const uint64_t passed = now(CLOCK_MONOTONIC) - begun_;
    return passed < limit_.value_or(0) ? *limit_ - passed : 0;
  }

 private:
  const Limit limit_;
  const uint64_t begun_;
};

CallResult ppoll(Call& call) {
  Limit limit;
  WaitMask mask;
  if (const int error = take_limit(call, call.arguments[2], limit); error != 0) return error;
  if (!take_mask(call, call.arguments[3], mask)) return -EFAULT;
  const Remaining remaining(limit);
  const CallResult result = poll_for(call, limit, mask);
  if (limit && result.next == SystemCalls::Next::Return)
    call.put(call.arguments[2], from_nanoseconds(remaining.left()));
  return result;
}

// The three sets of select: their words, in the guest's memory and here.
class Sets {
 public:
  explicit Sets(Call& call)
      : call_(call),
        most_(std::clamp(call.number_at(0), 0, 1 << 20)),
        size_(static_cast<size_t>((most_ + 63) / 64) * 8) {}

  bool take() {
    for (unsigned i = 0; i < 3; ++i) {
      words_[i].resize(size_ / 8);
      if (there(i) && !call_.read(call_.arguments[1 + i], words_[i].data(), size_)) return false;
    }
    asked_[0] = words_[0], asked_[1] = words_[1], asked_[2] = words_[2];
    return true;
  }

  bool give() const {
    for (unsigned i = 0; i < 3; ++i)
      if (there(i) && !call_.write(call_.arguments[1 + i], words_[i].data(), size_)) return false;
    return true;
  }

  long host(unsigned i) { return there(i) ? pointer(words_[i].data()) : 0; }
  int most() const { return most_; }

  std::vector<pollfd> descriptors() const {
    static constexpr short kEvents[] = {POLLIN, POLLOUT, POLLPRI};
    std::vector<pollfd> all;
    for (int fd = 0; fd < most_; ++fd) {
      short events = 0;
      for (unsigned i = 0; i < 3; ++i)
        if (there(i) && (asked_[i][static_cast<size_t>(fd) / 64] >> (fd % 64) & 1) != 0)
          events = static_cast<short>(events | kEvents[i]);
      if (events != 0) all.push_back({fd, events, 0});
    }
    return all;
  }

 private:
  bool there(unsigned i) const { return call_.arguments[1 + i] != 0; }

  Call& call_;
  const int most_;
  const size_t size_;
  std::vector<uint64_t> words_[3], asked_[3];
};

CallResult select_for(Call& call, const Limit& limit, const WaitMask& mask) {
  if (call.number_at(0) < 0) return -EINVAL;
  Sets sets(call);
  if (!sets.take()) return -EFAULT;
  struct {
    long set;
    size_t size;
  } signals{mask.address(), kSignalSet};
  const auto attempt = [&](const Limit& most) {
    timespec time = from_nanoseconds(most.value_or(0));
    return answer(
        call,
        waiting_call(SYS_pselect6, {{sets.most(), sets.host(0), sets.host(1), sets.host(2),
                                     most ? pointer(&time) : 0, pointer(&signals)}}),
        Restart::Never);
  };
  const CallResult result =
      wait_with(call, limit, mask, attempt, [&] { return sets.descriptors(); });
  if (result.next == SystemCalls::Next::Return && result.value >= 0 && !sets.give()) return -EFAULT;
  return result;
}

CallResult select(Call& call) {
  Limit limit;
  const uint64_t address = call.arguments[4];
  if (address != 0) {
    const auto time = call.get<timeval>(address);
    if (!time) return -EFAULT;
    if (time->tv_sec < 0 || time->tv_usec < 0) return -EINVAL;
    limit =
        nanoseconds({time->tv_sec + time->tv_usec / 1'000'000, time->tv_usec % 1'000'000 * 1000});
  }
  const Remaining remaining(limit);
  const CallResult result = select_for(call, limit, {});
  if (limit && result.next == SystemCalls::Next::Return) {
    const timespec left = from_nanoseconds(remaining.left());
    call.put(address, timeval{left.tv_sec, left.tv_nsec / 1000});
  }
  return result;
}

CallResult pselect6(Call& call) {
  struct Signals {
    uint64_t set, size;
  };
  Limit limit;
  WaitMask mask;
  if (const int error = take_limit(call, call.arguments[4], limit); error != 0) return error;
  if (call.arguments[5] != 0) {
    const auto signals = call.get<Signals>(call.arguments[5]);
    if (!signals || !take_mask(call, signals->set, mask)) return -EFAULT;
  }
  const Remaining remaining(limit);
  const CallResult result = select_for(call, limit, mask);
  if (limit && result.next == SystemCalls::Next::Return)
    call.put(call.arguments[4], from_nanoseconds(remaining.left()));
  return result;
}

CallResult epoll_create(Call& call) {
  if (call.number_at(0) <= 0) return -EINVAL;
  return host_call(SYS_epoll_create1, {{0}});
}

CallResult epoll_ctl(Call& call) {
  epoll_event event = {};
  if (call.number_at(1) != EPOLL_CTL_DEL) {
    const auto guest = call.get<x86::EpollEvent>(call.arguments[3]);
    if (!guest) return -EFAULT;
    event.events = guest->events;
    event.data.u64 = guest->data;
  }
  return host_call(SYS_epoll_ctl,
                   {{call.number_at(0), call.number_at(1), call.number_at(2), pointer(&event)}});
}

CallResult epoll_for(Call& call, const Limit& limit, const WaitMask& mask) {
  const int most = call.number_at(2);
  if (most <= 0 || most > INT_MAX / 16) return -EINVAL;
  std::vector<epoll_event> events(static_cast<size_t>(std::min(most, 1 << 16)));
  const auto attempt = [&](const Limit& time) {
    constexpr uint64_t kMillisecond = 1'000'000;
    const long milliseconds = time ? static_cast<long>(std::min<uint64_t>(
                                         (*time + kMillisecond - 1) / kMillisecond, INT_MAX))
                                   : -1;
    return answer(call,
                  waiting_call(SYS_epoll_pwait, {{call.number_at(0), pointer(events.data()),
                                                  static_cast<long>(events.size()), milliseconds,
                                                  mask.address(), kSignalSet}}),
                  Restart::Never);
  };
  const auto waits = [&] { return std::vector<pollfd>{{call.number_at(0), POLLIN, 0}}; };
  const CallResult result = wait_with(call, limit, mask, attempt, waits);
  if (result.next != SystemCalls::Next::Return || result.value < 0) return result;
  for (int64_t i = 0; i < result.value; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    const x86::EpollEvent guest{event.events, event.data.u64};
    if (!call.put(call.arguments[1] + static_cast<uint64_t>(i) * sizeof guest, guest))
      return -EFAULT;
  }
  return result;
}

Limit milliseconds_of(Call& call) {
  const int milliseconds = call.number_at(3);
  return milliseconds < 0 ? Limit() : Limit(static_cast<uint64_t>(milliseconds) * 1'000'000);
}

CallResult epoll_wait(Call& call) { return epoll_for(call, milliseconds_of(call), {}); }

CallResult epoll_pwait(Call& call) {
  WaitMask mask;
  if (!take_mask(call, call.arguments[4], mask)) return -EFAULT;
  return epoll_for(call, milliseconds_of(call), mask);
}

CallResult epoll_pwait2(Call& call) {
  Limit limit;
  WaitMask mask;
  if (const int error = take_limit(call, call.arguments[3], limit); error != 0) return error;
  if (!take_mask(call, call.arguments[4], mask)) return -EFAULT;
  return epoll_for(call, limit, mask);
}

CallResult sleep_until(Call& call, clockid_t clock, int flags, const timespec& time,
                       uint64_t left) {
  if (!proper(time)) return -EINVAL;
  const bool absolute = (flags & TIMER_ABSTIME) != 0;
  if (must_not_wait(call)) {
    uint64_t length = nanoseconds(time);
    if (absolute) length -= std::min(length, now(clock));
    if (const auto later = try_again(call, {}, length)) return *later;
    return 0;
  }
  timespec rest = {};
  const long result =
      waiting_call(SYS_clock_nanosleep, {{clock, flags, pointer(&time), pointer(&rest)}});
  if (result == -EINTR && !absolute && left != 0 && !call.put(left, rest)) return -EFAULT;
  // An absolute time is made again; of a relative one the kernel would only make the rest.
  return answer(call, result, absolute ? Restart::IfAsked : Restart::Never);
}

CallResult nanosleep(Call& call) {
  const auto time = call.get<timespec>(call.arguments[0]);
  if (!time) return -EFAULT;
  return sleep_until(call, CLOCK_MONOTONIC, 0, *time, call.arguments[1]);
}

CallResult clock_nanosleep(Call& call) {
  const auto time = call.get<timespec>(call.arguments[2]);
  if (!time) return -EFAULT;
  return sleep_until(call, call.host_clock(call.number_at(0)), call.number_at(1), *time,
                     call.arguments[3]);
}

CallResult time(Call& call) {
  const int64_t seconds = ::time(nullptr);
  if (call.arguments[0] != 0 && !call.put(call.arguments[0], seconds)) return -EFAULT;
  return seconds;
}

// Seconds that an earlier alarm had left, rounded as the kernel does: not to 0.
CallResult alarm(Call& call) {
  const itimerval next{{}, {static_cast<time_t>(static_cast<uint32_t>(call.arguments[0])), 0}};
  itimerval before = {};
  const long result = host_call(SYS_setitimer, {{ITIMER_REAL, pointer(&next), pointer(&before)}});
  if (result < 0) return result;
  const auto& left = before.it_value;
  return left.tv_sec + ((left.tv_sec == 0 && left.tv_usec != 0) || left.tv_usec >= 500'000 ? 1 : 0);
}

}  // namespace

CallRows wait_calls() {
  static constexpr CallRow rows[] = {
      {7, "poll", 3, poll},
      {23, "select", 5, select},
      {35, "nanosleep", 2, nanosleep},
      {37, "alarm", 1, alarm},
      {201, "time", 1, time},
      {213, "epoll_create", 1, epoll_create},
      {230, "clock_nanosleep", 4, clock_nanosleep},
      {232, "epoll_wait", 4, epoll_wait},
      {233, "epoll_ctl", 4, epoll_ctl},
      {270, "pselect6", 6, pselect6},
      {271, "ppoll", 5, ppoll},
      {281, "epoll_pwait", 6, epoll_pwait},
      {441, "epoll_pwait2", 6, epoll_pwait2},
  };
  return rows;
}

}  // namespace mtetso
