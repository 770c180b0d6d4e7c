// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "debug/root.h"
#include "linux/arrival.h"
#include "linux/call.h"
#include "linux/descriptors.h"
#include "linux/process.h"
#include "linux/signals.h"
#include "run/profile_writer.h"

namespace mtetso {
namespace {

constexpr uint64_t kSetSize = 8;

long pointer(const void* to) { return reinterpret_cast<long>(to); }

CallResult rt_sigaction(Call& call) {
  const int signal = call.number_at(0);
  if (call.arguments[3] != kSetSize || signal < 1 || signal > static_cast<int>(x86::kSignals))
    return -EINVAL;
  const uint64_t from = call.arguments[1], to = call.arguments[2];
  Signals& signals = call.process.signals();
  const x86::SignalAction before = signals.action(signal);
  if (from != 0) {
    auto action = call.get<x86::SignalAction>(from);
    if (!action) return -EFAULT;
    if ((signal_bit(signal) & kUnblockable) != 0) return -EINVAL;
    action->mask &= ~kUnblockable;
    signals.set_action(signal, *action);
  }
  return to == 0 || call.put(to, before) ? 0 : -EFAULT;
}

CallResult rt_sigprocmask(Call& call) {
  if (call.arguments[3] != kSetSize) return -EINVAL;
  const uint64_t from = call.arguments[1], to = call.arguments[2];
  uint64_t& mask = call.linux_thread.mask;
  const uint64_t before = mask;
  if (from != 0) {
    const auto set = call.get<uint64_t>(from);
    if (!set) return -EFAULT;
    switch (call.number_at(0)) {
      case SIG_BLOCK:
        mask |= *set;
        break;
      case SIG_UNBLOCK:
        mask &= ~*set;
        break;
      case SIG_SETMASK:
        mask = *set;
        break;
      default:
        return -EINVAL;
    }
    mask &= ~kUnblockable;
  }
  return to == 0 || call.put(to, before) ? 0 : -EFAULT;  // the host's follows in deliver()
}

CallResult rt_sigreturn(Call& call) {
  if (!call.process.signals().leave_handler(call.process.memory(), call.thread))
    throw GuestExit{128 + SIGSEGV, SIGSEGV};
  return static_cast<int64_t>(call.frame()->rax);
}

CallResult sigaltstack(Call& call) {
  constexpr uint64_t kSmallest = 2048;  // MINSIGSTKSZ of x86-64
  x86::SignalStack& stack = call.linux_thread.stack;
  x86::SignalStack before = stack;
  const bool on_it = on_alternate_stack(stack, call.frame()->rsp);
  if (on_it) before.flags |= SS_ONSTACK;
  if (call.arguments[0] != 0) {
    const auto next = call.get<x86::SignalStack>(call.arguments[0]);
    if (!next) return -EFAULT;
    if (on_it) return -EPERM;
    const int32_t mode = next->flags & 0x7fffffff;
    if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) return -EINVAL;
    if (mode == SS_DISABLE) {
      stack = {.sp = 0, .flags = next->flags, .pad = 0, .size = 0};
    } else {
      if (next->size < kSmallest) return -ENOMEM;
      stack = *next;
      stack.flags &= ~SS_ONSTACK;
    }
  }
  return call.arguments[1] == 0 || call.put(call.arguments[1], before) ? 0 : -EFAULT;
}

// Until a handler has run, with another mask. In lockstep the thread has that mask meanwhile, and
// Signals::enter ends the call.
CallResult suspend(Call& call, uint64_t mask) {
  if (must_not_wait(call)) {
    if (!call.linux_thread.suspended) call.linux_thread.suspended = call.linux_thread.mask;
    call.linux_thread.mask = mask & ~kUnblockable;
    return try_often(call, Restart::Never);
  }
  const uint64_t set = host_mask(mask);
  return answer(call, waiting_call(SYS_rt_sigsuspend, {{pointer(&set), kSetSize}}), Restart::Never);
}

CallResult rt_sigsuspend(Call& call) {
  if (call.arguments[1] != kSetSize) return -EINVAL;
  const auto mask = call.get<uint64_t>(call.arguments[0]);
  return mask ? suspend(call, *mask) : -EFAULT;
}

CallResult pause(Call& call) { return suspend(call, call.linux_thread.mask); }

CallResult rt_sigtimedwait(Call& call) {
  if (call.arguments[3] != kSetSize) return -EINVAL;
  const auto mask = call.get<uint64_t>(call.arguments[0]);
  if (!mask) return -EFAULT;
  const uint64_t set = host_mask(*mask);
  timespec limit = {};
  if (call.arguments[2] != 0) {
    const auto given = call.get<timespec>(call.arguments[2]);
    if (!given) return -EFAULT;
    limit = *given;
  }
  const bool lockstep = must_not_wait(call);
  const timespec at_once = {};
  siginfo_t info = {};
  // Lockstep: what another thread has sent to this one.
  auto& sent = call.linux_thread.sent;
  const auto first = std::ranges::find_if(
      sent, [&](const siginfo_t& one) { return (*mask & signal_bit(one.si_signo)) != 0; });
  if (first != sent.end()) {
    info = *first;
    sent.erase(first);
    return call.arguments[1] == 0 || call.put(call.arguments[1], info) ? info.si_signo : -EFAULT;
  }
  const long time = lockstep ? pointer(&at_once) : call.arguments[2] != 0 ? pointer(&limit) : 0;
  const long result =
      waiting_call(SYS_rt_sigtimedwait, {{pointer(&set), pointer(&info), time, kSetSize}});
  if (result == -EAGAIN && lockstep) {
    if (call.arguments[2] == 0) return try_often(call, Restart::Never);
    const auto nanoseconds =
        static_cast<uint64_t>(limit.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(limit.tv_nsec);
    if (const auto later = try_again(call, {}, nanoseconds, true)) return *later;
    return result;
  }
  call.linux_thread.deadline.reset();
  if (result < 0) return after_host(call, result, Restart::Never);
  return call.arguments[1] == 0 || call.put(call.arguments[1], info) ? result : -EFAULT;
}

// Whether it ends a process that does nothing about it (signal(7)).
bool ends_by_default(int signal) {
  switch (signal) {
    case 0:
    case SIGCHLD:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
      return false;
    default:
      return signal > 0 && signal <= static_cast<int>(x86::kSignals);
  }
}

// A signal to its own process may be the last that it does: what was learned is kept before.
void before_sending(Call& call, int process, int signal) {
  const bool itself = process == getpid() || process == 0 || process == -getpgrp();
  const bool blocked = signal > 0 && signal <= static_cast<int>(x86::kSignals) &&
                       (call.linux_thread.mask & ~kUnblockable & signal_bit(signal)) != 0;
  if (!itself || !ends_by_default(signal) || call.process.signals().action(signal).handler != 0)
    return;
  if (!blocked) call.process.before_end();
  note_sent(signal, static_cast<uint32_t>(call.thread.frame->guest.rax));
  ProfileWriter::before_signal(signal);
}

CallResult kill(Call& call) {
  before_sending(call, call.number_at(0), call.number_at(1));
  return host_call(SYS_kill, {{call.number_at(0), call.number_at(1)}});
}

// To one thread. In lockstep guest threads have no threads of the host's: such a signal waits with
// the guest thread.
CallResult send_to_thread(Call& call, int tid, int signal, const siginfo_t* info) {
  if (signal < 0 || signal > static_cast<int>(x86::kSignals)) return -EINVAL;
  GuestThread* other = call.process.thread_of(tid);
  if (other != nullptr) before_sending(call, getpid(), signal);
  // With host threads, a guest thread's number is not that of its host thread.
  if (!call.lockstep() && other != nullptr)
    tid = static_cast<int>(reinterpret_cast<mtedbg_Thread*>(other->frame->guest.thread)->host_tid);
  if (call.lockstep())
    if (other != nullptr) {
      if (signal == 0) return 0;
      siginfo_t made = {};
      made.si_signo = signal;
      made.si_code = SI_TKILL;
      made.si_pid = getpid();
      made.si_uid = getuid();
      if (info != nullptr) made = *info;
      const auto action = call.process.signals().action(signal);
      if (!is_handler(action.handler)) {
        if (other == &call.thread || action.handler != 0)
          return host_call(SYS_tgkill, {{getpid(), host_call(SYS_gettid, {}), signal}});
        return host_call(SYS_kill, {{getpid(), signal}});
      }
      static_cast<LinuxThread&>(*other->personal).sent.push_back(made);
      other->asleep = false;
      other->host_wait.reset();
      return 0;
    }
  if (info != nullptr)
    return host_call(SYS_rt_tgsigqueueinfo, {{getpid(), tid, signal, pointer(info)}});
  return host_call(SYS_tgkill, {{getpid(), tid, signal}});
}

CallResult tgkill(Call& call) {
  if (call.number_at(0) != getpid())
    return host_call(SYS_tgkill, {{call.number_at(0), call.number_at(1), call.number_at(2)}});
  return send_to_thread(call, call.number_at(1), call.number_at(2), nullptr);
}

CallResult tkill(Call& call) {
  if (call.process.thread_of(call.number_at(0)) == nullptr)
    return host_call(SYS_tkill, {{call.number_at(0), call.number_at(1)}});
  return send_to_thread(call, call.number_at(0), call.number_at(1), nullptr);
}

CallResult rt_sigqueueinfo(Call& call) {
  const auto info = call.get<siginfo_t>(call.arguments[2]);
  if (!info) return -EFAULT;
  before_sending(call, call.number_at(0), call.number_at(1));
  return host_call(SYS_rt_sigqueueinfo, {{call.number_at(0), call.number_at(1), pointer(&*info)}});
}

CallResult rt_tgsigqueueinfo(Call& call) {
  auto info = call.get<siginfo_t>(call.arguments[3]);
  if (!info) return -EFAULT;
  info->si_signo = call.number_at(2);
  if (call.number_at(0) == getpid())
    return send_to_thread(call, call.number_at(1), call.number_at(2), &*info);
  return host_call(SYS_rt_tgsigqueueinfo,
                   {{call.number_at(0), call.number_at(1), call.number_at(2), pointer(&*info)}});
}

// A timer may notify one thread. In lockstep that is one that waits for the signal, which it has
// blocked (the C library's for SIGEV_THREAD): the signal is blocked for all then.
CallResult timer_create(Call& call) {
  struct Event {  // struct sigevent
    uint64_t value;
    int32_t signal, notify, tid, unused[11];
  } event = {};
  const bool given = call.arguments[1] != 0;
  if (given && !call.read(call.arguments[1], &event, sizeof event)) return -EFAULT;
  if (given && (event.notify & SIGEV_THREAD_ID) != 0) {
    GuestThread* target = call.process.thread_of(event.tid);
    if (target == nullptr || event.signal < 1 || event.signal > static_cast<int>(x86::kSignals))
      return -EINVAL;
    const int host = call.host_number(event.tid);
    event.tid = host != 0 ? host : static_cast<int>(host_call(SYS_gettid, {}));
    const uint64_t blocked = static_cast<LinuxThread&>(*target->personal).mask;
    if (call.lockstep() && (blocked & signal_bit(event.signal)) != 0)
      call.process.signals().hold_back(event.signal);
  }
  int timer = 0;
  const long result = host_call(SYS_timer_create, {{call.host_clock(call.number_at(0)),
                                                    given ? pointer(&event) : 0, pointer(&timer)}});
  return result < 0 || call.put(call.arguments[2], timer) ? CallResult(result) : -EFAULT;
}

CallResult make_signalfd(Call& call, int flags) {
  const auto mask = call.get<uint64_t>(call.arguments[1]);
  if (!mask) return -EFAULT;
  const uint64_t set = host_mask(*mask);
  return host_call(SYS_signalfd4, {{call.number_at(0), pointer(&set),
                                    static_cast<long>(call.arguments[2]), flags}});
}

CallResult signalfd(Call& call) { return make_signalfd(call, 0); }
CallResult signalfd4(Call& call) { return make_signalfd(call, call.number_at(3)); }

}  // namespace

CallRows signal_calls() {
  static constexpr CallRow rows[] = {
      {13, "rt_sigaction", 4, rt_sigaction},
      {14, "rt_sigprocmask", 4, rt_sigprocmask},
      {15, "rt_sigreturn", 0, rt_sigreturn},
      {34, "pause", 0, pause},
      {62, "kill", 2, kill},
      {128, "rt_sigtimedwait", 4, rt_sigtimedwait},
      {129, "rt_sigqueueinfo", 3, rt_sigqueueinfo},
      {130, "rt_sigsuspend", 2, rt_sigsuspend},
      {131, "sigaltstack", 2, sigaltstack},
      {200, "tkill", 2, tkill},
      {222, "timer_create", 3, timer_create},
      {234, "tgkill", 3, tgkill},
      {282, "signalfd", 3, signalfd},
      {289, "signalfd4", 4, signalfd4},
      {297, "rt_tgsigqueueinfo", 4, rt_tgsigqueueinfo},
  };
  return rows;
}

}  // namespace mtetso
