// SPDX-License-Identifier: MIT
#include "linux/descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "linux/arrival.h"
#include "linux/process.h"

namespace mtetso {
namespace {

uint64_t now() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// How often a call is made again that waits for something without a descriptor.
constexpr uint64_t kOften = 1'000'000;

CallResult later(Call& call, HostWait wait, Restart restart) {
  call.linux_thread.retrying = restart;
  call.thread.host_wait = std::move(wait);
  call.thread.asleep = true;
  return kRetry;
}

bool alone(const Call& call) {
  size_t alive = 0;
  for (const auto* thread : call.process.process().threads()) alive += thread->exited ? 0 : 1;
  return alive == 1;
}

bool never_waits(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  return flags < 0 || (flags & O_NONBLOCK) != 0;
}

}  // namespace

CallResult after_host(Call& call, long result, Restart restart) {
  if (result == kNotStarted) return kRetry;
  if (result == -EINTR && restart == Restart::IfAsked && call.process.signals().restarts(arrived()))
    return kRetry;
  return result;
}

CallResult answer(Call& call, long result, Restart restart) {
  if (result < 0) return after_host(call, result, restart);
  return result;
}

bool must_not_wait(const Call& call) { return call.lockstep() && !alone(call); }

std::optional<CallResult> wait_until_ready(Call& call, int descriptor, short events) {
  if (!must_not_wait(call) || never_waits(descriptor)) return std::nullopt;
  pollfd one{descriptor, events, 0};
  if (poll(&one, 1, 0) != 0) return std::nullopt;  // ready, or an error that the call will find
  return later(call, {{one}, std::nullopt}, Restart::IfAsked);
}

std::optional<CallResult> try_again(Call& call, std::span<const pollfd> descriptors,
                                    std::optional<uint64_t> after, bool often) {
  auto& deadline = call.linux_thread.deadline;
  if (after && !deadline) deadline = now() + *after;
  if (deadline && now() >= *deadline) {
    deadline.reset();
    return std::nullopt;
  }
  auto until = deadline;
  if (often) until = std::min(until.value_or(UINT64_MAX), now() + kOften);
  return later(call, {{descriptors.begin(), descriptors.end()}, until}, Restart::Never);
}

CallResult try_often(Call& call, Restart restart) {
  return later(call, {{}, now() + kOften}, restart);
}

std::optional<CallResult> wait_for(Call& call, uint64_t number) {
  constexpr uint64_t kRead = 0, kWrite = 1, kAccept = 43, kSendTo = 44, kReceiveFrom = 45,
                     kAccept4 = 288;
  switch (number) {
    case kRead:
    case kAccept:
    case kAccept4:
      return wait_until_ready(call, call.number_at(0), POLLIN);
    case kReceiveFrom:
      if ((call.arguments[3] & MSG_DONTWAIT) != 0) return std::nullopt;
      return wait_until_ready(call, call.number_at(0), POLLIN);
    case kSendTo:
      if ((call.arguments[3] & MSG_DONTWAIT) != 0) return std::nullopt;
      return wait_until_ready(call, call.number_at(0), POLLOUT);
    case kWrite:
      return wait_until_ready(call, call.number_at(0), POLLOUT);
    default:
      return std::nullopt;
  }
}

}  // namespace mtetso
