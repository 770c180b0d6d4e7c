// SPDX-License-Identifier: MIT
//
// Who the process and its threads are, and their end.
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "debug/say.h"
#include "linux/call.h"
#include "linux/descriptors.h"
#include "linux/exec.h"
#include "linux/fork.h"
#include "linux/process.h"

namespace mtetso {
namespace {

CallResult exit_group(Call& call) {
  end_of_vfork(call);
  throw GuestExit{call.number_at(0) & 0xff};
}

// arch/x86/include/uapi/asm/prctl.h
CallResult arch_prctl(Call& call) {
  constexpr uint64_t kSetGs = 0x1001, kSetFs = 0x1002, kGetFs = 0x1003, kGetGs = 0x1004;
  Frame& frame = *call.thread.frame;
  const uint64_t address = call.arguments[1];
  constexpr uint64_t kTop = uint64_t{1} << 47;
  switch (call.arguments[0]) {
    case kSetFs:
    case kSetGs:
      if (address >= kTop) return -EPERM;
      (call.arguments[0] == kSetFs ? frame.fs_base : frame.gs_base) = address;
      return 0;
    case kGetFs:
      return call.put(address, frame.fs_base) ? 0 : -EFAULT;
    case kGetGs:
      return call.put(address, frame.gs_base) ? 0 : -EFAULT;
    default:
      return -EINVAL;
  }
}

CallResult uname(Call& call) {
  utsname names = {};
  if (::uname(&names) != 0) return -errno;
  std::strncpy(names.machine, "x86_64", sizeof names.machine);
  return call.put(call.arguments[0], names) ? 0 : -EFAULT;
}

CallResult fork(Call& call) { return fork_process(call, {}); }
CallResult vfork(Call& call) { return fork_process(call, {.flags = CLONE_VM | CLONE_VFORK}); }

// Lockstep: whether a child has ended is asked again and again.
CallResult wait4(Call& call) {
  constexpr size_t kUsage = 144;
  const bool lockstep = must_not_wait(call);
  const int options = call.number_at(2);
  int status = 0;
  std::array<uint8_t, kUsage> usage = {};
  const long result = waiting_call(
      SYS_wait4,
      {{call.number_at(0), reinterpret_cast<long>(&status), options | (lockstep ? WNOHANG : 0),
        call.arguments[3] == 0 ? 0 : reinterpret_cast<long>(usage.data())}});
  if (result == 0 && lockstep && (options & WNOHANG) == 0) return try_often(call, Restart::IfAsked);
  if (result < 0) return after_host(call, result, Restart::IfAsked);
  if (result == 0) return 0;
  if (call.arguments[1] != 0 && !call.put(call.arguments[1], status)) return -EFAULT;
  if (call.arguments[3] != 0 && !call.put(call.arguments[3], usage)) return -EFAULT;
  return result;
}

CallResult waitid(Call& call) {
  constexpr size_t kUsage = 144;
  const bool lockstep = must_not_wait(call);
  const int options = call.number_at(3);
  siginfo_t info = {};
  std::array<uint8_t, kUsage> usage = {};
  const long result = waiting_call(
      SYS_waitid, {{call.number_at(0), call.number_at(1), reinterpret_cast<long>(&info),
                    options | (lockstep ? WNOHANG : 0),
                    call.arguments[4] == 0 ? 0 : reinterpret_cast<long>(usage.data())}});
  if (result < 0) return after_host(call, result, Restart::IfAsked);
  if (info.si_pid == 0 && lockstep && (options & WNOHANG) == 0)
    return try_often(call, Restart::IfAsked);
  if (call.arguments[2] != 0 && !call.put(call.arguments[2], info)) return -EFAULT;
  if (call.arguments[4] != 0 && !call.put(call.arguments[4], usage)) return -EFAULT;
  return result;
}

// Those that are about the process itself, and the same on every machine. Filters of system calls
// are refused: they would be about this runtime's.
CallResult prctl(Call& call) {
  const int what = call.number_at(0);
  constexpr size_t kName = 16;
  switch (what) {
    case PR_SET_NAME: {
      std::string name;
      const int error = call.read_string(call.arguments[1], name);
      if (error == -EFAULT) return error;
      call.process.set_name(call.linux_thread, name);
      return 0;
    }
    case PR_GET_NAME: {
      char name[kName] = {};
      call.process.name_of(call.linux_thread).copy(name, kName - 1);
      return call.put(call.arguments[1], name) ? 0 : -EFAULT;
    }
    case PR_GET_PDEATHSIG:
    case PR_GET_CHILD_SUBREAPER: {
      int value = 0;
      const long result = host_call(SYS_prctl, {{what, reinterpret_cast<long>(&value)}});
      return result == 0 && !call.put(call.arguments[1], value) ? -EFAULT : result;
    }
    case PR_GET_TID_ADDRESS:
      return call.put(call.arguments[1], call.linux_thread.clear_child_tid) ? 0 : -EFAULT;
    case PR_SET_PDEATHSIG:
    case PR_GET_DUMPABLE:
    case PR_SET_DUMPABLE:
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_SET_TIMERSLACK:
    case PR_GET_TIMERSLACK:
    case PR_SET_CHILD_SUBREAPER:
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_CAP_AMBIENT:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_SET_THP_DISABLE:
    case PR_GET_THP_DISABLE:
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
    case PR_MCE_KILL:
    case PR_MCE_KILL_GET:
      return host_call(
          SYS_prctl,
          {{what, static_cast<long>(call.arguments[1]), static_cast<long>(call.arguments[2]),
            static_cast<long>(call.arguments[3]), static_cast<long>(call.arguments[4])}});
    default:
      return -EINVAL;
  }
}

// The execution domain of x86-64 is all there is. Of its flags one asks for what is so here anyway:
// addresses that are not random. The host keeps it for the programs that this one begins.
CallResult personality(Call& call) {
  constexpr uint32_t kQuery = 0xffffffff, kNotRandom = 0x40000;
  const auto wanted = static_cast<uint32_t>(call.arguments[0]);
  if (wanted == kQuery || (wanted & ~kNotRandom) == 0)
    return host_call(SYS_personality, {{wanted}});
  static std::atomic_flag said;
  if (!said.test_and_set()) {
    char text[64];
    std::snprintf(text, sizeof text, "personality 0x%" PRIx32 " is not supported: EINVAL", wanted);
    say(text);
  }
  return -EINVAL;
}

}  // namespace

CallRows process_calls() {
  static constexpr CallRow rows[] = {
      {63, "uname", 1, uname},
      {57, "fork", 0, fork},
      {58, "vfork", 0, vfork},
      {59, "execve", 3, execve},
      {61, "wait4", 4, wait4},
      {135, "personality", 1, personality},
      {157, "prctl", 5, prctl},
      {247, "waitid", 5, waitid},
      {322, "execveat", 5, execveat},
      {158, "arch_prctl", 2, arch_prctl},
      {231, "exit_group", 1, exit_group},
  };
  return rows;
}

}  // namespace mtetso
