// SPDX-License-Identifier: MIT
#include "linux/descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
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

// SO_RCVTIMEO or SO_SNDTIMEO, in nanoseconds; nothing if it waits for ever, or is no socket.
std::optional<uint64_t> time_limit(int descriptor, short events) {
  timeval time = {};
  socklen_t size = sizeof time;
  const int which = (events & POLLIN) != 0 ? SO_RCVTIMEO : SO_SNDTIMEO;
  if (getsockopt(descriptor, SOL_SOCKET, which, &time, &size) != 0) return std::nullopt;
  if (time.tv_sec == 0 && time.tv_usec == 0) return std::nullopt;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1000;
}

// Until the descriptor is ready, or its own time limit has passed. With one, no call is restarted
// (net/core/sock.h: sock_intr_errno).
CallResult until_ready(Call& call, const pollfd& one) {
  auto& deadline = call.linux_thread.deadline;
  if (!deadline)
    if (const auto limit = time_limit(one.fd, one.events)) deadline = now() + *limit;
  if (deadline && now() >= *deadline) return -EAGAIN;
  return later(call, {{one}, deadline}, deadline ? Restart::Never : Restart::IfAsked);
}

enum class Sink { Pipe, Stream, Other };

Sink sink_of(int descriptor) {
  struct stat about = {};
  if (fstat(descriptor, &about) != 0) return Sink::Other;
  if (S_ISFIFO(about.st_mode)) return Sink::Pipe;
  int type = 0;
  socklen_t size = sizeof type;
  const bool stream = S_ISSOCK(about.st_mode) &&
                      getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                      type == SOCK_STREAM;
  return stream ? Sink::Stream : Sink::Other;
}

// As many as fit without waiting; -EAGAIN if none do. A pipe that is ready takes PIPE_BUF bytes.
long write_some(int descriptor, Sink sink, std::span<const char> bytes, int flags,
                const msghdr* first) {
  if (sink == Sink::Pipe) {
    pollfd one{descriptor, POLLOUT, 0};
    if (poll(&one, 1, 0) == 0) return -EAGAIN;
    const size_t size = std::min<size_t>(bytes.size(), PIPE_BUF);
    return host_call(SYS_write,
                     {{descriptor, reinterpret_cast<long>(bytes.data()), static_cast<long>(size)}});
  }
  flags |= MSG_DONTWAIT;
  if (first != nullptr)
    return host_call(SYS_sendmsg, {{descriptor, reinterpret_cast<long>(first), flags}});
  return host_call(SYS_sendto, {{descriptor, reinterpret_cast<long>(bytes.data()),
                                 static_cast<long>(bytes.size()), flags}});
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
  return until_ready(call, one);
}

std::optional<CallResult> write_in_parts(Call& call, int descriptor, std::span<const char> bytes,
                                         int flags, const msghdr* first) {
  size_t& moved = call.linux_thread.moved;
  // What has begun in parts goes on like that.
  if (moved == 0 && (bytes.empty() || !must_not_wait(call) || (flags & MSG_DONTWAIT) != 0 ||
                     never_waits(descriptor)))
    return std::nullopt;
  const Sink sink = sink_of(descriptor);
  if (sink == Sink::Other) return std::nullopt;
  while (moved < bytes.size()) {
    const long some =
        write_some(descriptor, sink, bytes.subspan(moved), flags, moved == 0 ? first : nullptr);
    CallResult result = some;
    if (some == -EAGAIN) result = until_ready(call, {descriptor, POLLOUT, 0});
    if (result.next != SystemCalls::Next::Return) return result;
    if (result.value < 0) return moved != 0 ? CallResult(static_cast<int64_t>(moved)) : result;
    moved += static_cast<size_t>(some);
  }
  return static_cast<int64_t>(moved);
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
                     kAccept4 = 288, kSendFile = 40, kSplice = 275, kTee = 276;
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
    case kSendFile:
    case kWrite:
      return wait_until_ready(call, call.number_at(0), POLLOUT);
    case kSplice:
      if (const auto later = wait_until_ready(call, call.number_at(0), POLLIN)) return later;
      return wait_until_ready(call, call.number_at(2), POLLOUT);
    case kTee:
      if (const auto later = wait_until_ready(call, call.number_at(0), POLLIN)) return later;
      return wait_until_ready(call, call.number_at(1), POLLOUT);
    default:
      return std::nullopt;
  }
}

}  // namespace mtetso
