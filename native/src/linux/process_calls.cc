// SPDX-License-Identifier: MIT
//
// Who the process and its threads are, and their end.
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "linux/call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

CallResult exit_group(Call& call) { throw GuestExit{call.number_at(0) & 0xff}; }

CallResult exit(Call& call) {
  call.thread.frame->guest.rax = call.arguments[0];
  throw GuestExit{call.number_at(0) & 0xff};
}

CallResult gettid(Call& call) { return call.linux_thread.tid; }

CallResult set_tid_address(Call& call) {
  call.linux_thread.clear_child_tid = call.arguments[0];
  return call.linux_thread.tid;
}

CallResult set_robust_list(Call& call) {
  constexpr uint64_t kHeadSize = 24;  // struct robust_list_head
  if (call.arguments[1] != kHeadSize) return -EINVAL;
  call.linux_thread.robust_list = call.arguments[0];
  return 0;
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

}  // namespace

CallRows process_calls() {
  static constexpr CallRow rows[] = {
      {60, "exit", 1, exit},
      {63, "uname", 1, uname},
      {158, "arch_prctl", 2, arch_prctl},
      {186, "gettid", 0, gettid},
      {218, "set_tid_address", 1, set_tid_address},
      {231, "exit_group", 1, exit_group},
      {273, "set_robust_list", 2, set_robust_list},
      {334, "rseq", 4, not_there},  // the runtime has its own
  };
  return rows;
}

}  // namespace mtetso
