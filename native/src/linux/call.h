// SPDX-License-Identifier: MIT
//
// One system call of a Linux program while it is answered.
//
// How to add one: a function of type CallFunction and a row in the table of its family
// (*_calls.cc). The kernel never gets a guest pointer: what a call reads or writes goes through
// buffers of the host's (read, write and their kin below), which is also what keeps the order that
// x86 promises. Numbers, errors and most structures are those of every 64-bit Linux; where x86-64
// differs (open flags, stat, epoll_event …), the call converts.
//
// Lockstep: all guest threads share one host thread, so a call must not block it. Call::lockstep()
// says so; a call that would block sets up thread.host_wait (or is woken by another guest thread)
// and returns kRetry: it is made again when the thread can run. With host threads it just blocks.
//
// No header here may have the name of one of the kernel's <linux/…>: it would be found instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "run/process.h"
#include "run/system_calls.h"

namespace mtetso {

class LinuxProcess;
struct LinuxThread;

// The result as the kernel gives it, in rax: a value, or an error number as a negative one.
struct CallResult {
  CallResult(int64_t result) : value(result) {}       // NOLINT(google-explicit-constructor)
  CallResult(SystemCalls::Next what) : next(what) {}  // NOLINT(google-explicit-constructor)
  SystemCalls::Next next = SystemCalls::Next::Return;
  int64_t value = 0;
};

// The call is made again later (lockstep).
inline constexpr SystemCalls::Next kRetry = SystemCalls::Next::Retry;

// What the C library's wrapper returned: the value, or errno as the kernel has it.
CallResult from_host(long result);

class Call {
 public:
  // Bytes that a call moves at once between the guest and the kernel.
  static constexpr size_t kBounce = 128 << 10;
  // A transfer of more is a short one.
  static constexpr uint64_t kMostBytes = 16 << 20;
  static constexpr size_t kMaxPath = 4096;

  Call(LinuxProcess& process, GuestThread& thread, Scheduler& scheduler);

  LinuxProcess& process;
  GuestThread& thread;
  LinuxThread& linux_thread;
  Scheduler& scheduler;

  uint64_t arguments[6];  // rdi rsi rdx r10 r8 r9

  int number_at(unsigned index) const { return static_cast<int>(arguments[index]); }
  bool lockstep() const;
  // What the kernel calls the thread with the guest's number `tid`: 0, the one that asks, in
  // lockstep, where they share one. A process's own number, and those of others, stay.
  int host_number(int tid) const;
  // The same for a clock, which may be the processor time of such a thread.
  int host_clock(int clock) const;
  mtedbg_GuestFrame* frame() const { return &thread.frame->guest; }

  // Guest memory. False: some of it is not the guest's, or not to be accessed like that (EFAULT).
  bool read(uint64_t address, void* out, size_t length) const;
  bool write(uint64_t address, const void* in, size_t length) const;
  // Makes the aligned word `made` if it is `seen`, and sets `seen` to what it was. In order with
  // everything, as a locked instruction. False as above.
  bool compare_swap(uint64_t address, uint32_t& seen, uint32_t made) const;
  // A NUL-terminated string of fewer than `most` bytes: 0, -EFAULT or -ENAMETOOLONG.
  int read_string(uint64_t address, std::string& out, size_t most = kMaxPath) const;
  // A path, as it is on the host (linux/paths.h), from descriptor `directory` on: 0 or the error.
  // Without `follow`, a link is meant itself.
  int read_path(uint64_t address, std::string& out, int directory = -100 /* AT_FDCWD */,
                bool follow = true) const;
  std::string host_thread_path(const std::string& path) const;
  // Whether all of it may be written.
  bool writable(uint64_t address, size_t length) const;
  // How many bytes from its beginning may be: a kernel reads as much as fits there.
  size_t writable_part(uint64_t address, size_t length) const;
  template <typename T>
  std::optional<T> get(uint64_t address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (!read(address, &value, sizeof value)) return std::nullopt;
    return value;
  }
  template <typename T>
  bool put(uint64_t address, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return write(address, &value, sizeof value);
  }
};

using CallFunction = CallResult (*)(Call&);

// A call that is known to be missing, and that programs do without: ENOSYS and not a word.
CallResult not_there(Call&);

struct CallRow {
  uint32_t number = 0;  // of x86-64
  const char* name = "";
  uint32_t arguments = 0;  // how many it takes, for traces
  CallFunction function = nullptr;
};
using CallRows = std::span<const CallRow>;

// The tables, each at the end of its family's file.
CallRows file_calls();
CallRows ioctl_calls();
CallRows memory_calls();
CallRows plain_call_rows();
CallRows process_calls();
CallRows queue_calls();
CallRows shared_memory_calls();
CallRows signal_calls();
CallRows thread_calls();
CallRows vector_calls();
CallRows wait_calls();

}  // namespace mtetso
