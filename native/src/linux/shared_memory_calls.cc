// SPDX-License-Identifier: MIT
//
// System V shared memory. A segment is attached twice, as a shared file is mapped twice: where the
// guest has it every access faults, and is done in the host's own mapping, in order.
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "linux/call.h"
#include "linux/host_call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

constexpr uint64_t kPage = GuestMemory::kGuestPage;

CallResult shmget(Call& call) {
  return host_call(SYS_shmget,
                   {{static_cast<long>(call.arguments[0]), static_cast<long>(call.arguments[1]),
                     static_cast<long>(call.arguments[2])}});
}

struct Attached {
  uint64_t host = 0, length = 0;
};

// By the guest's address, for shmdt. With the mapping lock.
std::map<uint64_t, Attached>& attached() {
  static std::map<uint64_t, Attached> all;
  return all;
}

// Whole pages; 0 with errno set if there is no such segment.
uint64_t size_of(int segment) {
  shmid_ds about = {};
  if (shmctl(segment, IPC_STAT, &about) < 0) return 0;
  return (about.shm_segsz + kPage - 1) & ~(kPage - 1);
}

// Where the guest asks for it; 0: anywhere. Negative: an error.
int64_t wanted_place(uint64_t address, int flags) {
  if (address == 0) return (flags & SHM_REMAP) != 0 ? -EINVAL : 0;
  if (address % kPage == 0) return static_cast<int64_t>(address);
  return (flags & SHM_RND) != 0 ? static_cast<int64_t>(address & ~(kPage - 1)) : -EINVAL;
}

CallResult shmat(Call& call) {
  const int segment = call.number_at(0), flags = call.number_at(2);
  const int64_t place = wanted_place(call.arguments[1], flags);
  if (place < 0) return place;
  GuestMemory& memory = call.process.memory();
  std::scoped_lock hold(call.process.mapping_lock());
  const uint64_t length = size_of(segment);
  // A segment that may not be read can be attached by nobody either.
  if (length == 0) return -errno;
  auto at = static_cast<uint64_t>(place);
  if (at > GuestMemory::kTop || length > GuestMemory::kTop - at) return -EINVAL;
  if (at != 0 && (flags & SHM_REMAP) == 0 && !memory.is_free(at, length)) return -EINVAL;
  if (at == 0) at = memory.find_room(length, 0);
  if (at == 0) return -ENOMEM;
  void* host = ::shmat(segment, nullptr, flags & SHM_RDONLY);
  if (host == reinterpret_cast<void*>(-1)) return -errno;
  const int protection = (flags & SHM_RDONLY) != 0 ? PROT_READ : PROT_READ | PROT_WRITE;
  call.process.modules().drop(at, at + length);
  if (const int result = memory.map_outside(at, length, protection, host); result != 0)
    return result == -EEXIST ? -EINVAL : result;
  attached()[at] = {reinterpret_cast<uint64_t>(host), length};
  return static_cast<int64_t>(at);
}

CallResult shmdt(Call& call) {
  std::scoped_lock hold(call.process.mapping_lock());
  const auto known = attached().find(call.arguments[0]);
  if (known == attached().end()) return -EINVAL;
  const auto [at, one] = *known;
  attached().erase(known);
  // Of that segment what the guest has not unmapped, or mapped over, since.
  std::vector<std::pair<uint64_t, uint64_t>> left;
  GuestMemory& memory = call.process.memory();
  memory.visit([&](uint64_t begin, const Region& region) {
    const uint64_t distance = begin - at;
    if (distance < one.length && region.kind == Region::Kind::Outside &&
        region.host == one.host + distance)
      left.emplace_back(begin, region.end - begin);
  });
  for (const auto& [begin, length] : left) memory.unmap(begin, length);
  return left.empty() ? -EINVAL : 0;
}

// Numbers and structures are the same on both machines (asm-generic/shmbuf.h, ipcbuf.h).
CallResult shmctl_call(Call& call) {
  constexpr int kStatAny = 15;  // SHM_STAT_ANY
  const int segment = call.number_at(0), command = call.number_at(1);
  const uint64_t address = call.arguments[2];
  union {
    shmid_ds segment;
    struct shminfo limits;
    struct shm_info all;
  } about = {};
  size_t in = 0, out = 0;
  switch (command) {
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK:
      break;
    case IPC_SET:
      in = sizeof about.segment;
      break;
    case IPC_STAT:
    case SHM_STAT:
    case kStatAny:
      out = sizeof about.segment;
      break;
    case IPC_INFO:
      out = sizeof about.limits;
      break;
    case SHM_INFO:
      out = sizeof about.all;
      break;
    default:
      return -EINVAL;
  }
  if (in != 0 && !call.read(address, &about, in)) return -EFAULT;
  const CallResult result = from_host(::shmctl(segment, command, &about.segment));
  if (result.value >= 0 && out != 0 && !call.write(address, &about, out)) return -EFAULT;
  return result;
}

}  // namespace

CallRows shared_memory_calls() {
  static constexpr CallRow rows[] = {
      {29, "shmget", 3, shmget},
      {30, "shmat", 3, shmat},
      {31, "shmctl", 3, shmctl_call},
      {67, "shmdt", 1, shmdt},
  };
  return rows;
}

}  // namespace mtetso
