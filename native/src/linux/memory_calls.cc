// SPDX-License-Identifier: MIT
//
// The process's memory.
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "linux/call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

constexpr uint64_t kPage = GuestMemory::kGuestPage;
constexpr uint64_t kTop = GuestMemory::kTop;
// arch/x86/include/uapi/asm/mman.h, where it differs from asm-generic's.
constexpr uint64_t kMap32Bit = 0x40;

uint64_t page_up(uint64_t value) { return (value + kPage - 1) & ~(kPage - 1); }
bool aligned(uint64_t value) { return value % kPage == 0; }

// Rounds `length` up to pages; false if there is no such range of guest addresses.
bool whole_pages(uint64_t begin, uint64_t& length) {
  if (!aligned(begin) || length > kTop) return false;
  length = page_up(length);
  return begin <= kTop - length;
}

uint32_t own_tag(const Call& call) { return static_cast<uint32_t>(call.frame()->host_core_id); }

std::string path_of(int descriptor) {
  char path[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  return readlink(link.c_str(), path, sizeof path - 1) > 0 ? path : "[file]";
}

// What code memory with that protection has, if any.
std::optional<Modules::Kind> code_kind(int protection) {
  if ((protection & PROT_EXEC) == 0) return std::nullopt;
  return (protection & PROT_WRITE) != 0 ? Modules::Kind::Written : Modules::Kind::Constant;
}

CallResult brk(Call& call) {
  return static_cast<int64_t>(call.process.move_break(call.thread, call.arguments[0]));
}

int map_at(Call& call, uint64_t at, uint64_t length) {
  const auto protection = static_cast<int>(call.arguments[2]);
  const uint64_t flags = call.arguments[3];
  const int file = call.number_at(4);
  const uint64_t offset = call.arguments[5];
  GuestMemory& memory = call.process.memory();
  const bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
  if ((flags & MAP_ANONYMOUS) != 0)
    return shared ? memory.map_shared(at, length, protection)
                  : memory.map_anonymous(at, length, protection);
  if (shared) return memory.map_shared_file(at, length, protection, file, offset);
  return memory.map_private_file(at, length, protection, file, offset, own_tag(call));
}

void map_code(Call& call, uint64_t at, uint64_t length) {
  const uint64_t flags = call.arguments[3];
  const auto kind = code_kind(static_cast<int>(call.arguments[2]));
  const bool anonymous = (flags & MAP_ANONYMOUS) != 0;
  const int file = call.number_at(4);
  Modules& modules = call.process.modules();
  // Memory that is all zeros, and stays so, has no code.
  if (!kind || (anonymous && kind == Modules::Kind::Constant)) return;
  if (kind == Modules::Kind::Written || (flags & MAP_TYPE) != MAP_PRIVATE)
    modules.map_bytes(*kind, at, length);
  else
    modules.map_file(path_of(file), file, call.arguments[5], length, at);
}

CallResult mmap(Call& call) {
  uint64_t at = call.arguments[0], length = call.arguments[1];
  const uint64_t flags = call.arguments[3];
  const bool fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  const uint64_t type = flags & MAP_TYPE;
  if (length == 0 || !aligned(call.arguments[5])) return -EINVAL;
  if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE) return -EINVAL;
  if ((flags & MAP_ANONYMOUS) == 0 && fcntl(call.number_at(4), F_GETFD) < 0) return -EBADF;
  if (fixed && !aligned(at)) return -EINVAL;
  at &= ~(kPage - 1);
  if (!whole_pages(fixed ? at : 0, length)) return -ENOMEM;
  if (fixed && at < GuestMemory::kLowest) return -EPERM;
  GuestMemory& memory = call.process.memory();
  std::scoped_lock hold(call.process.mapping_lock());
  if ((flags & MAP_FIXED_NOREPLACE) != 0 && !memory.is_free(at, length)) return -EEXIST;
  const auto room = [&](uint64_t hint) {
    return (flags & kMap32Bit) != 0 ? memory.find_low_room(length, hint)
                                    : memory.find_room(length, hint);
  };
  if (!fixed) at = room(at);
  if (at == 0) return -ENOMEM;
  call.process.modules().drop(at, at + length);
  int result = map_at(call, at, length);
  // Something of the host's is there: further down.
  for (int i = 0; result == -EEXIST && !fixed && i < 16; ++i) {
    at = room(at - length);
    if (at == 0) return -ENOMEM;
    result = map_at(call, at, length);
  }
  if (result != 0) return result == -EEXIST ? -ENOMEM : result;
  map_code(call, at, length);
  return static_cast<int64_t>(at);
}

CallResult munmap(Call& call) {
  uint64_t length = call.arguments[1];
  if (length == 0 || !whole_pages(call.arguments[0], length)) return -EINVAL;
  std::scoped_lock hold(call.process.mapping_lock());
  call.process.modules().drop(call.arguments[0], call.arguments[0] + length);
  return call.process.memory().unmap(call.arguments[0], length);
}

CallResult mprotect(Call& call) {
  const uint64_t begin = call.arguments[0];
  uint64_t length = call.arguments[1];
  const int protection = call.number_at(2);
  if (!aligned(begin)) return -EINVAL;
  if (!whole_pages(begin, length)) return -ENOMEM;
  if (length == 0) return 0;
  std::scoped_lock hold(call.process.mapping_lock());
  GuestMemory& memory = call.process.memory();
  Modules& modules = call.process.modules();
  if (!memory.is_mapped(begin, length)) return -ENOMEM;
  const auto kind = code_kind(protection);
  const bool known = kind && modules.covers(*kind, begin, begin + length);
  if (!known) modules.drop(begin, begin + length);
  const int result = memory.protect(begin, length, protection, own_tag(call));
  if (result == 0 && kind && !known) modules.map_bytes(*kind, begin, length);
  return result;
}

// Advice that may be left is taken, and nothing done. What programs rely on is there or refused.
CallResult madvise(Call& call) {
  uint64_t length = call.arguments[1];
  if (!whole_pages(call.arguments[0], length)) return -EINVAL;
  // include/uapi/asm-generic/mman-common.h. Not there: REMOVE, WIPEONFORK, DONTNEED_LOCKED, and
  // what no kernel has: programs ask for that to learn whether the answer means something.
  static constexpr uint64_t kKnown[] = {0,  1,  2,  3,  4,  8,  10, 11, 12, 13,
                                        14, 15, 16, 17, 19, 20, 21, 22, 23, 25};
  const bool known = std::ranges::find(kKnown, call.arguments[2]) != std::end(kKnown);
  if (!known) return -EINVAL;
  std::scoped_lock hold(call.process.mapping_lock());
  if (call.arguments[2] == MADV_DONTNEED) {
    const uint64_t begin = call.arguments[0];
    Modules& modules = call.process.modules();
    const auto code = modules.parts(Modules::Kind::Written, begin, begin + length);
    for (const auto& [from, to] : code) modules.drop(from, to);
    const int result = call.process.memory().forget(begin, length);
    for (const auto& [from, to] : code) modules.map_bytes(Modules::Kind::Written, from, to - from);
    return result;
  }
  return call.process.memory().is_mapped(call.arguments[0], length) ? 0 : -ENOMEM;
}

CallResult mremap(Call& call) {
  const uint64_t old = call.arguments[0], flags = call.arguments[3];
  uint64_t had = call.arguments[1], wanted = call.arguments[2];
  constexpr uint64_t kKnown = MREMAP_MAYMOVE | MREMAP_FIXED;
  if ((flags & ~kKnown) != 0 || wanted == 0 || had == 0) return -EINVAL;
  if ((flags & MREMAP_FIXED) != 0 && (flags & MREMAP_MAYMOVE) == 0) return -EINVAL;
  if (!whole_pages(old, had) || !whole_pages(0, wanted)) return -EINVAL;
  GuestMemory& memory = call.process.memory();
  std::scoped_lock hold(call.process.mapping_lock());
  if (!memory.is_mapped(old, had)) return -EFAULT;
  Modules& modules = call.process.modules();
  std::optional<Modules::Kind> kind;
  for (const auto one : {Modules::Kind::Constant, Modules::Kind::Written})
    if (modules.covers(one, old, old + had)) kind = one;
  const bool fixed = (flags & MREMAP_FIXED) != 0;
  // Where it stays, its code stays as well, but for what is cut off.
  if (!fixed && wanted <= had)
    modules.drop(old + wanted, old + had);
  else
    modules.drop(old, old + had);
  const auto moved_to = [&](uint64_t at) {
    if (kind) modules.map_bytes(*kind, at, wanted);
    return static_cast<int64_t>(at);
  };
  if (!fixed && wanted <= had) {
    if (wanted < had) memory.unmap(old + wanted, had - wanted);
    return static_cast<int64_t>(old);
  }
  if (!fixed && old + wanted <= kTop && memory.is_free(old + had, wanted - had) &&
      memory.grow(old, had, wanted, own_tag(call)) == 0)
    return moved_to(old);
  if ((flags & MREMAP_MAYMOVE) == 0) return -ENOMEM;
  const uint64_t to = fixed ? call.arguments[4] : memory.find_room(wanted, 0);
  if (fixed && (!aligned(to) || to < GuestMemory::kLowest || to > kTop - wanted)) return -EINVAL;
  if (fixed && to < old + had && old < to + wanted) return -EINVAL;
  if (to == 0) return -ENOMEM;
  if (fixed) memory.unmap(to, wanted);
  const uint64_t kept = std::min(had, wanted);
  if (const int result = memory.move(old, kept, to); result != 0) return result;
  if (had > kept) memory.unmap(old + kept, had - kept);
  if (wanted > kept)
    if (const int result = memory.grow(to, kept, wanted, own_tag(call)); result != 0) return result;
  return moved_to(to);
}

// Everything that is mapped counts as resident.
CallResult mincore(Call& call) {
  uint64_t length = call.arguments[1];
  if (!whole_pages(call.arguments[0], length)) return -EINVAL;
  if (!call.process.memory().is_mapped(call.arguments[0], length)) return -ENOMEM;
  const std::vector<uint8_t> all(length / kPage, 1);
  return call.write(call.arguments[2], all.data(), all.size()) ? 0 : -EFAULT;
}

// Shared files are written through the host's own mapping of them, which the kernel keeps in step.
CallResult msync(Call& call) {
  uint64_t length = call.arguments[1];
  if (!whole_pages(call.arguments[0], length)) return -EINVAL;
  return call.process.memory().sync(call.arguments[0], length, call.number_at(2));
}

CallResult nothing_to_do(Call&) { return 0; }

}  // namespace

CallRows memory_calls() {
  static constexpr CallRow rows[] = {
      {9, "mmap", 6, mmap},
      {10, "mprotect", 3, mprotect},
      {11, "munmap", 2, munmap},
      {12, "brk", 1, brk},
      {25, "mremap", 5, mremap},
      {26, "msync", 3, msync},
      {27, "mincore", 3, mincore},
      {28, "madvise", 3, madvise},
      {149, "mlock", 2, nothing_to_do},
      {150, "munlock", 2, nothing_to_do},
      {151, "mlockall", 1, nothing_to_do},
      {152, "munlockall", 0, nothing_to_do},
      {325, "mlock2", 3, nothing_to_do},
  };
  return rows;
}

}  // namespace mtetso
