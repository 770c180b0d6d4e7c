// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "debug/arena.h"
#include "memory/guest_memory.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

// Fresh memory has tag 0, so the kernel may write to it by a pointer without one.
bool read_all(int descriptor, void* to, uint64_t length) {
  auto* out = static_cast<char*>(to);
  for (uint64_t at = 0; at < length;) {
    const ssize_t got = pread(descriptor, out + at, length - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;  // it has become shorter: the rest is zero
    at += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace

GuestMemory::MappedFile GuestMemory::map_file(int descriptor, uint64_t length, uint32_t tag) {
  MappedFile mapped;
  void* memory = map_tagged_file(descriptor, length);
  if (memory == MAP_FAILED) {
    mapped.refused = errno;
    memory = map_tagged(0, length);
    if (memory == MAP_FAILED) return mapped;
    if (!read_all(descriptor, memory, length)) {
      munmap(memory, length);
      return mapped;
    }
  }
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t size = (length + page - 1) & ~(page - 1);
  mapped.address = address_of(memory);
  write_tags(mapped.address, size, protocol_.memory_tag(tag));
  add_region(mapped.address, mapped.address + size, PROT_READ | PROT_WRITE);
  return mapped;
}

}  // namespace mtetso
