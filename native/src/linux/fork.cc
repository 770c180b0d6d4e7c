// SPDX-License-Identifier: MIT
//
// A new process is a copy of this one, with the calling thread. A child of vfork is such a copy as
// well: programs use it to call execve or to leave, and their parent waits for that. Of what such a
// child writes to the memory that it would share, the parent gets its own stack's words when the
// child leaves: that is where posix_spawn has the error.
#include "linux/fork.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "code/block_map.h"
#include "code/segment.h"
#include "debug/say.h"
#include "linux/arrival.h"
#include "linux/host_call.h"
#include "linux/process.h"
#include "memory/barriers.h"
#include "memory/signals.h"
#include "run/fork_gate.h"
#include "run/profile_writer.h"

namespace mtetso {
namespace {

#ifndef CLONE_CLEAR_SIGHAND
constexpr uint64_t CLONE_CLEAR_SIGHAND = uint64_t{1} << 32;  // include/uapi/linux/sched.h
#endif
constexpr size_t kSharedStack = 4096;  // bytes above rsp that a child of vfork gives back

// A pipe whose ends a guest does not meet among its own descriptors.
struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    constexpr int kHigh = 900;
    for (int i = 0; i < 2; ++i) {
      const int high = fcntl(ends[i], F_DUPFD_CLOEXEC, kHigh);
      end[i] = high >= 0 ? high : ends[i];
      if (high >= 0) close(ends[i]);
    }
  }
  void shut(int which) {
    if (end[which] >= 0) close(end[which]);
    end[which] = -1;
  }
  int end[2] = {-1, -1};
};

// Until the other end is closed, or `size` bytes have come; how many.
size_t take(int from, void* to, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(from, static_cast<char*>(to) + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

// The stack's bytes from rsp upwards that are there.
std::vector<uint8_t> stack_of(Call& call) {
  std::vector<uint8_t> bytes(kSharedStack);
  const uint64_t rsp = call.frame()->rsp;
  while (!bytes.empty() && !call.read(rsp, bytes.data(), bytes.size()))
    bytes.resize(bytes.size() / 2);
  return bytes;
}

// In the parent of vfork: waits for the child's execve or end.
void wait_for_child(Call& call, int from, const std::vector<uint8_t>& before) {
  std::vector<uint8_t> after(before.size());
  size_t got = 0;
  {
    const OutOfRuntime outside;
    got = take(from, after.data(), after.size());
  }
  if (got != after.size()) return;  // it is another program now, or was killed
  const uint64_t rsp = call.frame()->rsp;
  for (size_t at = 0; at + 8 <= after.size(); at += 8)
    if (!std::equal(&after[at], &after[at] + 8, &before[at])) call.write(rsp + at, &after[at], 8);
}

// In the child: only this thread is left, and nothing is shared with the parent.
void become_child(Call& call) {
  if (!CodeSegment::unshare_all() || !register_barriers()) std::abort();
  Process& process = call.process.process();
  process.memory().forked();
  process_code_map().forked();
  process.memory().release_after_fork();
  if (reads_rseq(process.options())) register_restarts();
  process.only_thread(call.thread);
  process.engine().after_fork();
  give_up_standard_error();
  call.process.become_child(call.thread);
}

}  // namespace

void end_of_vfork(Call& call) {
  LinuxThread& own = call.linux_thread;
  if (own.vfork_end < 0) return;
  std::vector<uint8_t> bytes(own.vfork_size);
  if (call.read(own.vfork_rsp, bytes.data(), bytes.size()))
    if (::write(own.vfork_end, bytes.data(), bytes.size()) < 0) return;  // the parent is gone
}

CallResult fork_process(Call& call, const ForkRequest& request) {
  if (arrived() != 0) return kRetry;  // before the fork: the child must not have it as well
  const bool shares = (request.flags & CLONE_VFORK) != 0;
  Pipe copied, ended;
  if (copied.end[0] < 0 || ended.end[0] < 0) return -EAGAIN;
  std::vector<uint8_t> stack;
  if (shares) stack = stack_of(call);
  const uint64_t rsp = call.frame()->rsp;
  pid_t pid = 0;
  {
    const SignalsHeld held;
    GuestMemory& memory = call.process.memory();
    fork_gate().close();
    memory.hold_for_fork(call.frame());
    pid = ::fork();
    if (pid == 0) {
      become_child(call);
      fork_gate().open();
    } else {
      // The child copies the code, which nobody may change meanwhile.
      const int error = errno;
      copied.shut(1);
      char none;
      if (pid > 0) take(copied.end[0], &none, 1);
      memory.release_after_fork();
      fork_gate().open();
      errno = error;
    }
  }
  if (pid < 0) {
    const int error = errno;
    copied.shut(0), copied.shut(1), ended.shut(0), ended.shut(1);
    return -error;
  }
  copied.shut(0);
  copied.shut(1);
  if (pid > 0) {
    ended.shut(1);
    if ((request.flags & CLONE_PARENT_SETTID) != 0)
      call.put(request.parent_tid, static_cast<int32_t>(pid));
    if ((request.flags & CLONE_PIDFD) != 0)
      call.put(request.pidfd, static_cast<int32_t>(host_call(SYS_pidfd_open, {{pid, 0}})));
    if (shares) wait_for_child(call, ended.end[0], stack);
    ended.shut(0);
    return pid;
  }
  ended.shut(0);
  LinuxThread& own = call.linux_thread;
  if (own.vfork_end >= 0) close(own.vfork_end);
  own.vfork_end = -1;
  if (shares) {
    own.vfork_end = ended.end[1];
    own.vfork_rsp = rsp;
    own.vfork_size = stack.size();
  } else {
    ended.shut(1);
  }
  if ((request.flags & CLONE_CLEAR_SIGHAND) != 0) call.process.signals().forget_handlers();
  if (request.stack != 0) call.frame()->rsp = request.stack;
  if ((request.flags & CLONE_SETTLS) != 0) call.thread.frame->fs_base = request.tls;
  if ((request.flags & CLONE_CHILD_SETTID) != 0) call.put(request.child_tid, own.tid);
  own.clear_child_tid = (request.flags & CLONE_CHILD_CLEARTID) != 0 ? request.child_tid : 0;
  return 0;
}

}  // namespace mtetso
