// SPDX-License-Identifier: MIT
//
// Files and directories, where a structure, a flag or a path needs more than a copy.
#include <asm/fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "debug/say.h"
#include "linux/call.h"
#include "linux/convert.h"
#include "linux/descriptors.h"
#include "linux/paths.h"
#include "linux/proc_files.h"
#include "linux/process.h"

// <fcntl.h> and <asm/fcntl.h> exclude each other; these are the same on every machine
// (include/uapi/linux/fcntl.h).
#ifndef AT_FDCWD
#define AT_FDCWD (-100)
#endif
#ifndef AT_SYMLINK_NOFOLLOW
#define AT_SYMLINK_NOFOLLOW 0x100
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

namespace mtetso {
namespace {

long pointer(const void* to) { return reinterpret_cast<long>(to); }

// open and its kin: `flags` are the guest's.
CallResult open_file(Call& call, int directory, uint64_t address, uint64_t flags, uint64_t mode) {
  std::string guest;
  if (const int error = call.read_string(address, guest); error != 0) return error;
  guest = Paths::in_proc(guest, directory);
  if (const auto made = open_proc_file(call, guest, flags)) return *made;
  const std::string path = call.process.paths().on_host(call.host_thread_path(guest), directory);
  return answer(call,
                waiting_call(SYS_openat, {{directory, pointer(path.c_str()), host_open_flags(flags),
                                           static_cast<long>(mode)}}),
                Restart::IfAsked);
}

CallResult open(Call& call) {
  return open_file(call, AT_FDCWD, call.arguments[0], call.arguments[1], call.arguments[2]);
}

CallResult creat(Call& call) {
  return open_file(call, AT_FDCWD, call.arguments[0], O_CREAT | O_WRONLY | O_TRUNC,
                   call.arguments[1]);
}

CallResult openat(Call& call) {
  return open_file(call, call.number_at(0), call.arguments[1], call.arguments[2],
                   call.arguments[3]);
}

CallResult openat2(Call& call) {
  auto how = call.get<open_how>(call.arguments[2]);
  if (!how) return -EFAULT;
  // What is behind the fields that are known must be zero (lib/usercopy.c: copy_struct_from_user).
  const uint64_t size = call.arguments[3];
  if (size < sizeof *how) return -EINVAL;
  if (size > Call::kMaxPath) return -E2BIG;
  std::vector<char> more(size - sizeof *how);
  if (!call.read(call.arguments[2] + sizeof *how, more.data(), more.size())) return -EFAULT;
  if (std::ranges::any_of(more, [](char byte) { return byte != 0; })) return -E2BIG;
  std::string path;
  if (const int error = call.read_path(call.arguments[1], path, call.number_at(0)); error != 0)
    return error;
  how->flags = static_cast<uint64_t>(host_open_flags(how->flags));
  return answer(call,
                waiting_call(SYS_openat2, {{call.number_at(0), pointer(path.c_str()),
                                            pointer(&*how), sizeof *how}}),
                Restart::IfAsked);
}

CallResult stat_path(Call& call, int directory, uint64_t address, uint64_t out, int flags) {
  std::string path;
  const bool follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
  if (const int error = call.read_path(address, path, directory, follow); error != 0) return error;
  struct stat about = {};
  const long result =
      host_call(SYS_newfstatat, {{directory, pointer(path.c_str()), pointer(&about), flags}});
  if (result < 0) return result;
  return call.put(out, to_guest(about)) ? 0 : -EFAULT;
}

CallResult stat(Call& call) {
  return stat_path(call, AT_FDCWD, call.arguments[0], call.arguments[1], 0);
}

CallResult lstat(Call& call) {
  return stat_path(call, AT_FDCWD, call.arguments[0], call.arguments[1], AT_SYMLINK_NOFOLLOW);
}

CallResult newfstatat(Call& call) {
  return stat_path(call, call.number_at(0), call.arguments[1], call.arguments[2],
                   call.number_at(3));
}

CallResult fstat(Call& call) {
  struct stat about = {};
  const long result = host_call(SYS_fstat, {{call.number_at(0), pointer(&about)}});
  if (result < 0) return result;
  return call.put(call.arguments[1], to_guest(about)) ? 0 : -EFAULT;
}

CallResult read_link(Call& call, int directory, uint64_t address, uint64_t out, uint64_t size) {
  std::string guest;
  if (const int error = call.read_string(address, guest); error != 0) return error;
  if (static_cast<int64_t>(size) <= 0) return -EINVAL;
  guest = Paths::in_proc(guest, directory);
  if (Paths::proc_name(guest) == "self/exe") {
    const std::string& target = call.process.paths().executable();
    const size_t length = std::min<uint64_t>(size, target.size());
    return call.write(out, target.data(), length) ? static_cast<int64_t>(length) : -EFAULT;
  }
  const std::string path = call.process.paths().on_host(guest, directory);
  char target[Call::kMaxPath];
  const long result =
      host_call(SYS_readlinkat, {{directory, pointer(path.c_str()), pointer(target),
                                  static_cast<long>(std::min<uint64_t>(size, sizeof target))}});
  if (result < 0) return result;
  return call.write(out, target, static_cast<size_t>(result)) ? result : -EFAULT;
}

CallResult readlink(Call& call) {
  return read_link(call, AT_FDCWD, call.arguments[0], call.arguments[1], call.arguments[2]);
}

CallResult readlinkat(Call& call) {
  return read_link(call, call.number_at(0), call.arguments[1], call.arguments[2],
                   call.arguments[3]);
}

// The old form of a directory's entries: the name comes first, the type last.
CallResult getdents(Call& call) {
  const uint64_t size = std::min<uint64_t>(call.arguments[2], Call::kBounce);
  std::vector<char> from(size), to(size);
  const long result = host_call(
      SYS_getdents64, {{call.number_at(0), pointer(from.data()), static_cast<long>(size)}});
  if (result < 0) return result;
  struct Entry {  // include/linux/dirent.h: struct linux_dirent64
    uint64_t ino;
    int64_t off;
    uint16_t length;
    uint8_t type;
  };
  constexpr size_t kName = 19;
  // An entry of one form is as long as one of the other: the type has only moved.
  for (size_t at = 0; at < static_cast<size_t>(result);) {
    Entry entry;
    std::memcpy(&entry, &from[at], kName);
    const x86::OldDirectoryEntry old{entry.ino, static_cast<uint64_t>(entry.off), entry.length};
    std::memcpy(&to[at], &old, x86::kOldNameOffset);
    std::memcpy(&to[at + x86::kOldNameOffset], &from[at + kName], entry.length - kName);
    to[at + entry.length - 1u] = static_cast<char>(entry.type);
    at += entry.length;
  }
  return call.write(call.arguments[1], to.data(), static_cast<size_t>(result)) ? result : -EFAULT;
}

// Descriptor 2 may have been the runtime's as well.
void before_other(const Call& call, unsigned low, unsigned high) {
  const auto from = static_cast<uint32_t>(call.arguments[low]);
  const auto to = static_cast<uint32_t>(call.arguments[high]);
  if (from <= STDERR_FILENO && to >= STDERR_FILENO) keep_standard_error();
}

CallResult close(Call& call) {
  before_other(call, 0, 0);
  return host_call(SYS_close, {{call.number_at(0)}});
}

CallResult close_range(Call& call) {
  before_other(call, 0, 1);
  return host_call(SYS_close_range,
                   {{static_cast<long>(call.arguments[0]), static_cast<long>(call.arguments[1]),
                     static_cast<long>(call.arguments[2])}});
}

CallResult dup2(Call& call) {
  const int from = call.number_at(0), to = call.number_at(1);
  before_other(call, 1, 1);
  if (from == to) {
    const long result = host_call(SYS_fcntl, {{from, F_GETFD}});
    return result < 0 ? result : from;
  }
  return host_call(SYS_dup3, {{from, to, 0}});
}

CallResult dup3(Call& call) {
  before_other(call, 1, 1);
  return host_call(SYS_dup3,
                   {{call.number_at(0), call.number_at(1), host_open_flags(call.arguments[2])}});
}

// Times of a file in seconds, or in microseconds: the kernel takes nanoseconds.
CallResult set_times(Call& call, int directory, uint64_t address, const timespec* times) {
  std::string path;
  if (address != 0)
    if (const int error = call.read_path(address, path, directory); error != 0) return error;
  return host_call(SYS_utimensat,
                   {{directory, address == 0 ? 0 : pointer(path.c_str()), pointer(times), 0}});
}

CallResult utime(Call& call) {
  struct Seconds {
    int64_t access, modification;
  };
  if (call.arguments[1] == 0) return set_times(call, AT_FDCWD, call.arguments[0], nullptr);
  const auto seconds = call.get<Seconds>(call.arguments[1]);
  if (!seconds) return -EFAULT;
  const timespec times[2] = {{seconds->access, 0}, {seconds->modification, 0}};
  return set_times(call, AT_FDCWD, call.arguments[0], times);
}

CallResult set_times_of_micros(Call& call, int directory, uint64_t path, uint64_t address) {
  struct Micros {
    int64_t seconds, micros;
  };
  if (address == 0) return set_times(call, directory, path, nullptr);
  timespec times[2];
  for (unsigned i = 0; i < 2; ++i) {
    const auto one = call.get<Micros>(address + i * sizeof(Micros));
    if (!one) return -EFAULT;
    if (one->micros < 0 || one->micros >= 1'000'000) return -EINVAL;
    times[i] = {one->seconds, one->micros * 1000};
  }
  return set_times(call, directory, path, times);
}

CallResult utimes(Call& call) {
  return set_times_of_micros(call, AT_FDCWD, call.arguments[0], call.arguments[1]);
}

CallResult futimesat(Call& call) {
  return set_times_of_micros(call, call.number_at(0), call.arguments[1], call.arguments[2]);
}

// A structure that the kernel reads and may write.
CallResult fcntl_of(Call& call, size_t size, Restart restart) {
  std::vector<char> bytes(size);
  const uint64_t address = call.arguments[2];
  if (!call.read(address, bytes.data(), size)) return -EFAULT;
  const long result =
      waiting_call(SYS_fcntl, {{call.number_at(0), call.number_at(1), pointer(bytes.data())}});
  if (result < 0) return after_host(call, result, restart);
  // A lock that is set is not written back: its structure may be constant.
  const bool written = call.writable(address, size);
  return !written || call.write(address, bytes.data(), size) ? result : -EFAULT;
}

// A lock that somebody else has: no descriptor shows when it is free.
CallResult wait_for_lock(Call& call, const CallResult& now) {
  const bool taken = now.value == -EAGAIN || now.value == -EACCES;
  return taken ? try_often(call, Restart::IfAsked) : now;
}

CallResult flock(Call& call) {
  constexpr int kNoWait = 4;  // LOCK_NB
  const int how = call.number_at(1);
  const bool tries = must_not_wait(call) && (how & kNoWait) == 0;
  const CallResult result =
      answer(call, waiting_call(SYS_flock, {{call.number_at(0), how | (tries ? kNoWait : 0)}}),
             Restart::IfAsked);
  return tries ? wait_for_lock(call, result) : result;
}

CallResult fcntl(Call& call) {
  constexpr size_t kLock = 32;
  const int descriptor = call.number_at(0), command = call.number_at(1);
  switch (command) {
    case F_GETFL: {
      const long flags = host_call(SYS_fcntl, {{descriptor, F_GETFL}});
      if (flags < 0) return flags;
      // By that number QEMU's user mode has another flag, of every descriptor.
      return static_cast<int64_t>(guest_open_flags(static_cast<int>(flags)) & ~x86::kNoFollow);
    }
    case F_SETFL:
      return host_call(SYS_fcntl, {{descriptor, F_SETFL, host_open_flags(call.arguments[2])}});
    case F_GETLK:
    case F_SETLK:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
      return fcntl_of(call, kLock, Restart::Quick);
    case F_SETLKW:
    case F_OFD_SETLKW:
      if (!must_not_wait(call)) return fcntl_of(call, kLock, Restart::IfAsked);
      call.arguments[1] = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
      return wait_for_lock(call, fcntl_of(call, kLock, Restart::Quick));
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_GETOWNER_UIDS:
      return fcntl_of(call, 8, Restart::Quick);
    case 1024 + 11:  // F_GET_RW_HINT … F_SET_FILE_RW_HINT (include/uapi/linux/fcntl.h)
    case 1024 + 12:
    case 1024 + 13:
    case 1024 + 14:
      return fcntl_of(call, 8, Restart::Quick);
    default:
      return host_call(SYS_fcntl, {{descriptor, command, static_cast<long>(call.arguments[2])}});
  }
}

}  // namespace

CallRows file_calls() {
  static constexpr CallRow rows[] = {
      {2, "open", 3, open},
      {3, "close", 1, close},
      {4, "stat", 2, stat},
      {5, "fstat", 2, fstat},
      {6, "lstat", 2, lstat},
      {33, "dup2", 2, dup2},
      {72, "fcntl", 3, fcntl},
      {73, "flock", 2, flock},
      {78, "getdents", 3, getdents},
      {85, "creat", 2, creat},
      {89, "readlink", 3, readlink},
      {132, "utime", 2, utime},
      {235, "utimes", 2, utimes},
      {257, "openat", 4, openat},
      {261, "futimesat", 3, futimesat},
      {262, "newfstatat", 4, newfstatat},
      {267, "readlinkat", 4, readlinkat},
      {292, "dup3", 3, dup3},
      {436, "close_range", 3, close_range},
      {437, "openat2", 4, openat2},
  };
  return rows;
}

}  // namespace mtetso
