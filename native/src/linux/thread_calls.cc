// SPDX-License-Identifier: MIT
//
// Threads: how they begin, wait for each other, and end.
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "linux/call.h"
#include "linux/fork.h"
#include "linux/process.h"

namespace mtetso {
namespace {

// include/uapi/linux/sched.h: the first version, which is all that is asked for.
struct CloneArguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

constexpr uint64_t kRobustHead = 24;  // bytes of struct robust_list_head

// Bytes below a stack pointer that are a new thread's, whoever has made it: a stack of Go's for the
// thread's own use has as many.
constexpr uint64_t kStackOfClone = 16 << 10;

CallResult clone_thread(Call& call, const ForkRequest& request) {
  const Frame& parent = *call.thread.frame;
  ThreadStart start{.rip = parent.guest.rip,
                    .rsp = request.stack != 0 ? request.stack : parent.guest.rsp,
                    .fs_base = (request.flags & CLONE_SETTLS) != 0 ? request.tls : parent.fs_base};
  call.process.memory().visit([&](uint64_t begin, const Region& region) {
    if (begin >= start.rsp || start.rsp > region.end) return;
    start.stack_low = begin;
    start.stack_high = start.rsp;
  });
  auto own = call.linux_thread.child();
  LinuxThread& child = *own;
  child.name = call.process.name_of(call.linux_thread);
  GuestThread* made = call.process.add_thread(start, &call.thread, std::move(own));
  if (made == nullptr) return -EAGAIN;
  made->frame->guest.rax = 0;
  // The piece at its beginning is its maker's, who has put the thread's control block behind it.
  // clone does not say how large the stack is (musl, Go): what may be another's stays as it is.
  const uint64_t size = request.stack_size != 0
                            ? request.stack_size
                            : std::min(start.stack_high - start.stack_low, kStackOfClone);
  if (request.stack != 0)
    call.process.memory().hand_over(&call.thread.frame->guest, start.rsp - size, start.rsp,
                                    static_cast<uint32_t>(made->frame->guest.host_core_id));
  if ((request.flags & CLONE_CHILD_CLEARTID) != 0) child.clear_child_tid = request.child_tid;
  if ((request.flags & CLONE_PARENT_SETTID) != 0) call.put(request.parent_tid, child.tid);
  if ((request.flags & CLONE_CHILD_SETTID) != 0) call.put(request.child_tid, child.tid);
  const int32_t tid = child.tid;
  call.scheduler.start(*made);
  if (!call.lockstep()) call.process.signals().renew_set_id();
  return tid;
}

// Memory is shared with a child only until it executes another program: as vfork does. Not there:
// namespaces, and a child in a control group.
CallResult begin(Call& call, const ForkRequest& request) {
  constexpr uint64_t kThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
  constexpr uint64_t kNewTime = 0x80, kIntoGroup = uint64_t{1} << 33;  // linux/sched.h
  constexpr uint64_t kMissing = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | kNewTime | kIntoGroup;
  if ((request.flags & kMissing) != 0) return -EINVAL;
  if ((request.flags & kThread) == kThread) return clone_thread(call, request);
  if ((request.flags & (CLONE_THREAD | CLONE_SIGHAND)) != 0) return -EINVAL;
  if ((request.flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) return -EINVAL;
  return fork_process(call, request);
}

CallResult clone(Call& call) {
  return begin(call, {.flags = call.arguments[0] & ~uint64_t{CSIGNAL},
                      .stack = call.arguments[1],
                      .parent_tid = call.arguments[2],
                      .child_tid = call.arguments[3],
                      .tls = call.arguments[4],
                      .pidfd = call.arguments[2]});
}

CallResult clone3(Call& call) {
  if (call.arguments[1] < sizeof(CloneArguments)) return -EINVAL;
  const auto asked = call.get<CloneArguments>(call.arguments[0]);
  if (!asked) return -EFAULT;
  // kernel/fork.c: clone3_args_valid.
  constexpr uint64_t kDetached = 0x400000, kKnown = 0x3ffffffff, kNewTime = 0x80;
  if ((asked->flags & (~kKnown | kDetached | (CSIGNAL & ~kNewTime))) != 0) return -EINVAL;
  if (asked->exit_signal > x86::kSignals || (asked->stack == 0) != (asked->stack_size == 0))
    return -EINVAL;
  return begin(call, {.flags = asked->flags,
                      .stack = asked->stack == 0 ? 0 : asked->stack + asked->stack_size,
                      .stack_size = asked->stack_size,
                      .parent_tid = asked->parent_tid,
                      .child_tid = asked->child_tid,
                      .tls = asked->tls,
                      .pidfd = asked->pidfd});
}

// The end of the calling thread; of the process with the last one.
CallResult exit(Call& call) {
  LinuxThread& own = call.linux_thread;
  call.thread.frame->guest.rax = call.arguments[0];
  end_of_vfork(call);
  call.process.futexes().leave_robust(call.process.memory(), call.thread);
  if (call.process.last_thread()) throw GuestExit{call.number_at(0) & 0xff};
  if (own.clear_child_tid != 0 && call.put(own.clear_child_tid, uint32_t{0}))
    call.process.futexes().wake_one(call.process.memory(), own.clear_child_tid);
  return SystemCalls::Next::EndThread;
}

CallResult futex(Call& call) { return call.process.futexes().call(call); }
CallResult gettid(Call& call) { return call.linux_thread.tid; }

CallResult set_tid_address(Call& call) {
  call.linux_thread.clear_child_tid = call.arguments[0];
  return call.linux_thread.tid;
}

CallResult set_robust_list(Call& call) {
  if (call.arguments[1] != kRobustHead) return -EINVAL;
  call.linux_thread.robust_list = call.arguments[0];
  return 0;
}

CallResult get_robust_list(Call& call) {
  const int tid = call.number_at(0);
  const GuestThread* thread = tid == 0 ? &call.thread : call.process.thread_of(tid);
  if (thread == nullptr) return tid < 0 ? -ESRCH : -EPERM;  // another process's is the kernel's
  const uint64_t head = static_cast<LinuxThread&>(*thread->personal).robust_list;
  return call.put(call.arguments[2], kRobustHead) && call.put(call.arguments[1], head) ? 0
                                                                                       : -EFAULT;
}

CallResult sched_yield(Call& call) {
  if (call.scheduler.yield(call.thread)) return SystemCalls::Next::Yield;
  return 0;
}

}  // namespace

CallRows thread_calls() {
  static constexpr CallRow rows[] = {
      {24, "sched_yield", 0, sched_yield},
      {56, "clone", 5, clone},
      {60, "exit", 1, exit},
      {186, "gettid", 0, gettid},
      {202, "futex", 6, futex},
      {218, "set_tid_address", 1, set_tid_address},
      {273, "set_robust_list", 2, set_robust_list},
      {334, "rseq", 4, not_there},  // the runtime has its own
      // What libraries ask for to learn whether it is there, and do without.
      {206, "io_setup", 2, not_there},
      {239, "get_mempolicy", 5, not_there},
      {298, "perf_event_open", 5, not_there},
      {317, "seccomp", 3, not_there},
      {321, "bpf", 3, not_there},
      {323, "userfaultfd", 1, not_there},
      {425, "io_uring_setup", 2, not_there},
      {444, "landlock_create_ruleset", 3, not_there},
      {274, "get_robust_list", 3, get_robust_list},
      {435, "clone3", 2, clone3},
  };
  return rows;
}

}  // namespace mtetso
