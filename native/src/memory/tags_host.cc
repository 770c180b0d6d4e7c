// SPDX-License-Identifier: MIT
//
// Tags on a host without them, for unit tests: a table for each mapping. Pointers carry no tag, and
// nothing is checked.
#ifndef __aarch64__

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "debug/trace.h"
#include "memory/raw_lock.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

struct Shadow {
  std::atomic<uint64_t> begin{0};
  std::atomic<uint64_t> end{0};
  std::atomic<std::atomic<uint8_t>*> tags{nullptr};  // one for each granule
};

std::array<Shadow, 1024> g_shadows;
size_t g_count = 0;
RawLock g_lock;  // for who adds a shadow

// The shadow for a new mapping. The kernel has given its addresses, so what was within them has
// been unmapped: its shadow is used again. No other, as readers who look for an address elsewhere
// may see one field of the old mapping beside another of the new one. Null when there are too many.
Shadow* shadow_for(uint64_t begin, uint64_t end) {
  Shadow* chosen = nullptr;
  for (Shadow& old : g_shadows) {
    if (old.begin == 0 || old.begin < begin || old.end > end) continue;
    const uint64_t length = old.end - old.begin.exchange(0);
    munmap(old.tags, length / kGranule + 1);
    if (chosen == nullptr) chosen = &old;
  }
  if (chosen == nullptr && g_count < g_shadows.size()) chosen = &g_shadows[g_count++];
  return chosen;
}

std::atomic<uint8_t>& tag_at(uint64_t address) {
  const uint64_t at = strip_tag(address);
  for (Shadow& shadow : g_shadows) {
    const uint64_t begin = shadow.begin.load(std::memory_order_acquire);
    if (begin != 0 && begin <= at && at < shadow.end)
      return shadow.tags.load()[(at - begin) / kGranule];
  }
  std::abort();  // as the hardware would fault
}

void* map(uint64_t address, size_t length, int how = MAP_PRIVATE) {
  const int flags = how | MAP_ANONYMOUS | (address != 0 ? MAP_FIXED_NOREPLACE : 0);
  return mmap(reinterpret_cast<void*>(address), length, PROT_READ | PROT_WRITE, flags, -1, 0);
}

void* map_with_shadow(uint64_t address, size_t length, int how) {
  void* memory = map(address, length, how);
  if (memory == MAP_FAILED) return MAP_FAILED;
  void* tags = map(0, length / kGranule + 1);
  const uint64_t begin = reinterpret_cast<uintptr_t>(memory);
  const std::scoped_lock hold(g_lock);
  Shadow* shadow = tags == MAP_FAILED ? nullptr : shadow_for(begin, begin + length);
  if (shadow == nullptr) {
    munmap(memory, length);
    errno = ENOMEM;
    return MAP_FAILED;
  }
  shadow->end = begin + length;
  shadow->tags = static_cast<std::atomic<uint8_t>*>(tags);
  shadow->begin.store(begin, std::memory_order_release);
  return memory;
}

}  // namespace

MteStatus enable_mte() { return MteStatus::NoHardware; }

void* map_tagged(uint64_t address, size_t length) {
  return map_with_shadow(address, length, MAP_PRIVATE);
}

void* map_tagged_shared(uint64_t address, size_t length) {
  return map_with_shadow(address, length, MAP_SHARED);
}

void* reserve_tagged(uint64_t address, size_t length) {
  void* memory = map_tagged(address, length);
  if (memory != MAP_FAILED) mprotect(memory, length, PROT_NONE);
  return memory;
}

void* map_tagged_file(int, size_t) {
  errno = EINVAL;
  return MAP_FAILED;
}

bool protect_tagged(uint64_t address, size_t length, bool writable) {
  return mprotect(reinterpret_cast<void*>(address), length,
                  PROT_READ | (writable ? PROT_WRITE : 0)) == 0;
}

uint32_t read_tag(uint64_t address) { return tag_at(address).load(); }

void write_tags(uint64_t address, size_t length, uint32_t tag) {
  const uint64_t end = strip_tag(address) + length;
  for (uint64_t at = granule_of(address); length != 0 && at < end; at += kGranule)
    tag_at(at).store(static_cast<uint8_t>(tag & 0xf));
  if (length == 0 || !tracing()) return;
  trace({.kind = TraceKind::Tags, .address = strip_tag(address), .first = length, .second = tag});
}

UncheckedAccess::UncheckedAccess() = default;
UncheckedAccess::~UncheckedAccess() = default;

}  // namespace mtetso

#endif
