// SPDX-License-Identifier: MIT
#include "memory/guest_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "debug/arena.h"
#include "debug/fence.h"
#include "memory/barriers.h"
#include "memory/file_end.h"
#include "memory/pages.h"
#include "memory/signals.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

constexpr uint64_t kHeapChunk = uint64_t{1} << 20;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// Guest addresses are below bit 56; this also bounds every sum below.
bool sane(uint64_t address, uint64_t length) {
  constexpr uint64_t kTop = uint64_t{1} << 52;
  return (address | length) < kTop;
}

// The guest's bytes without tag checks; TSO is kept by the barriers around (Arm ARM B2.3: a DMB
// orders what is before it with what is after it).
void copy_ordered(void* to, const void* from, size_t length) {
  UncheckedAccess unchecked;
  full_fence();
  std::memcpy(to, from, length);
  full_fence();
}

void* host_pointer(uint64_t address) { return reinterpret_cast<void*>(strip_tag(address)); }

}  // namespace

void GuestMemory::add_region(uint64_t begin, uint64_t end, int protection, Region::Kind kind) {
  const SignalsHeld none;
  const std::scoped_lock hold(lock_);
  put(begin, {.end = end, .protection = protection, .kind = kind});
}

void GuestMemory::put(uint64_t begin, const Region& region) {
  const bool ready = !region.fresh && region.kind != Region::Kind::Outside;
  const int more = (ready ? Regions::kReady : 0) | (region.shared ? 0 : Regions::kPrivate);
  map_.put(begin, region);
  show(begin, region.end, region.protection == PROT_NONE ? PROT_NONE : region.protection | more);
}

// Readers first: a fault from now on is the guest's own.
void GuestMemory::erase(uint64_t begin, uint64_t end) {
  show(begin, end, PROT_NONE);
  map_.erase(begin, end);
}

// What can fail comes before the first copy is shown. A copy that is shown cannot grow: where it
// would have to, a larger one takes its place when it is hidden.
void GuestMemory::show(uint64_t begin, uint64_t end, int access) {
  Regions same;
  const bool grows = regions_.hidden().full() || regions_.shown().full();
  if (grows) {
    same = regions_.shown();
    same.reserve();
    regions_.hidden().reserve();
  }
  regions_.hidden().set(begin, end, access);
  Regions& other = regions_.show_hidden();
  if (grows) other = std::move(same);
  other.set(begin, end, access);
}

// Before a change: when it returns, nobody relies on the region as it was, and whoever faults there
// waits for the lock. What the guest may do there is still said as it was.
void GuestMemory::withdraw(uint64_t begin, const Region& region) {
  show(begin, region.end, region.protection);
}

int GuestMemory::access_in(const Regions& regions, uint64_t address, uint64_t length) {
  const uint64_t begin = strip_tag(address);
  if (!sane(begin, length)) return PROT_NONE;
  return regions.protection(begin, begin + std::max<uint64_t>(length, 1));
}

int GuestMemory::access_to(uint64_t address, uint64_t length) const {
  return regions_.read([=](const Regions& regions) { return access_in(regions, address, length); });
}

bool GuestMemory::map_image(uint64_t address, uint64_t length, uint32_t tag) {
  if (address == 0 || length == 0 || !sane(address, length)) {
    errno = EINVAL;
    return false;
  }
  const uint64_t begin = page_down(address);
  const uint64_t end = page_up(address + length);
  if (map_tagged(begin, end - begin) == MAP_FAILED) return false;
  write_tags(begin, end - begin, protocol_.memory_tag(tag));
  add_region(begin, end, kReadWrite);
  return true;
}

bool GuestMemory::unmap_image(uint64_t address, uint64_t length) {
  const uint64_t begin = page_down(address);
  const uint64_t end = page_up(address + length);
  {
    const std::scoped_lock hold(lock_);
    erase(begin, end);
  }
  code_pages_.remove(begin, end);
  return munmap(host_pointer(begin), end - begin) == 0;
}

// PROT_MTE cannot be taken away from a mapping, so another one takes its place.
bool GuestMemory::seal(uint64_t address, uint64_t length) {
  const uint64_t begin = page_down(address);
  const uint64_t size = page_up(address + length) - begin;
  void* constant = mmap(nullptr, size, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (constant == MAP_FAILED) return false;
  copy_ordered(constant, host_pointer(begin), size);
  if (mprotect(constant, size, PROT_READ) != 0 ||
      mremap(constant, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, host_pointer(begin)) ==
          MAP_FAILED)
    return false;
  add_region(begin, begin + size, PROT_READ, Region::Kind::Constant);
  return true;
}

void GuestMemory::allow_code(uint64_t address, uint64_t length) {
  const uint64_t begin = page_down(address);
  const uint64_t end = page_up(address + length);
  write_tags(begin, end - begin, protocol_.shared_tag());
  code_pages_.add(begin, end);
}

uint64_t GuestMemory::map_stack(uint64_t length, uint32_t tag, uint64_t* usable) {
  if (length == 0 || !sane(0, length)) {
    errno = EINVAL;
    return 0;
  }
  const uint64_t guard = page_size();
  const uint64_t size = page_up(length);
  void* memory = map_tagged(0, guard + size);
  if (memory == MAP_FAILED) return 0;
  if (mprotect(memory, guard, PROT_NONE) != 0) {
    munmap(memory, guard + size);
    return 0;
  }
  const uint64_t low = address_of(memory) + guard;
  write_tags(low, size, protocol_.memory_tag(tag));
  add_region(low, low + size, kReadWrite);
  if (usable != nullptr) *usable = size;
  return low;
}

// By way of the guard tag, as any memory that changes hands: threads that are alive may have
// accessed it.
void GuestMemory::renew(uint64_t address, uint64_t length, uint32_t tag) {
  const SignalsHeld held;
  protocol_.acquire(nullptr);
  write_tags(address, length, protocol_.tags().guard);
  settle_accesses();
  {
    const UncheckedAccess unchecked;
    std::memset(host_pointer(address), 0, length);
    full_fence();
  }
  write_tags(address, length, protocol_.memory_tag(tag));
  protocol_.release();
}

uint64_t GuestMemory::allocate(uint64_t length, uint32_t tag) {
  if (!sane(0, length)) return 0;
  // Whole granules: two owners in one could not both be right.
  const uint64_t size = (std::max<uint64_t>(length, 1) + kGranule - 1) & ~(kGranule - 1);
  std::lock_guard hold(heap_lock_);
  if (heap_end_ - heap_at_ < size) {
    const uint64_t chunk = std::max(kHeapChunk, page_up(size));
    void* memory = map_tagged(0, chunk);
    if (memory == MAP_FAILED) return 0;
    heap_at_ = address_of(memory);
    heap_end_ = heap_at_ + chunk;
    // Memory that was not handed out yet is shared.
    if (protocol_.shared_tag() != 0) write_tags(heap_at_, chunk, protocol_.shared_tag());
    add_region(heap_at_, heap_end_, kReadWrite);
  }
  const uint64_t address = heap_at_;
  heap_at_ += size;
  write_tags(address, size, protocol_.memory_tag(tag));
  return address;
}

// Calls `store`, which writes to the part of a file that is mapped at `begin`, unless code was made
// from it: where that is. With lock_ held.
template <typename Store>
CodePages::Way GuestMemory::store_outside(mtedbg_GuestFrame* frame, uint64_t begin,
                                          const Region& part, const Store& store) {
  CodePages::Way way;
  if (!code_pages_.any_outside()) {
    store();
    return way;
  }
  protocol_.acquire(frame);
  way = code_pages_.in_the_way(begin, part.end - begin, part.file, part.offset);
  if (!way) store();
  protocol_.release();
  return way;
}

bool GuestMemory::write_outside(mtedbg_GuestFrame* frame, uint64_t address, uint64_t length,
                                const std::function<void(uint64_t host)>& store) {
  const uint64_t begin = strip_tag(address);
  bool there = false;
  return code_pages_.past(frame, [&] {
    const SignalsHeld none;
    const Held held(*this);
    CodePages::Way way;
    if (there = held.outside(address, length) != 0; there)
      map_.visit(begin, begin + length, [&](uint64_t at, const Region& part) {
        way = store_outside(frame, at, part, [&] { store(part.host); });
      });
    return way;
  }) && there;
}

// Region by region: only those with tags can be guarded. The map stays as it is meanwhile. `way`:
// where code was made from what would be written, so that nothing was.
template <typename Copy>
bool GuestMemory::host_access(mtedbg_GuestFrame* frame, uint64_t address, size_t length, int needed,
                              const Copy& copy, CodePages::Way* way) {
  const uint64_t begin = strip_tag(address);
  const SignalsHeld none;  // a handler that accesses guest memory would wait for this thread
  const std::scoped_lock hold(lock_);
  if (!allows(begin, length, needed)) return false;
  touch_locked(frame, begin, length);
  bool whole = true;
  map_.visit(begin, begin + length, [&](uint64_t at, const Region& part) {
    const size_t size = part.end - at;
    const bool outside = part.kind == Region::Kind::Outside;
    // Only these are mappings of files.
    const bool mapped = outside || part.kind == Region::Kind::Constant;
    whole = whole && (!mapped || file_reaches(outside ? part.host : at, size));
    if (!whole || (way != nullptr && *way)) return;
    const auto use = [&] { copy(host_pointer(outside ? part.host : at), at - begin, size); };
    if (part.kind == Region::Kind::Tagged && (part.protection & PROT_WRITE) != 0)
      protocol_.while_guarded(frame, at, size, use);
    else if (outside && way != nullptr)
      *way = store_outside(frame, at, part, use);
    else
      use();
  });
  return whole;
}

bool GuestMemory::host_read(mtedbg_GuestFrame* frame, uint64_t address, void* out, size_t length) {
  return host_access(frame, address, length, PROT_READ, [&](void* at, size_t done, size_t part) {
    copy_ordered(static_cast<char*>(out) + done, at, part);
  });
}

bool GuestMemory::host_write(mtedbg_GuestFrame* frame, uint64_t address, const void* in,
                             size_t length) {
  bool written = false;
  const auto write = [&] {
    CodePages::Way way;
    written = host_access(
        frame, address, length, PROT_WRITE,
        [&](void* at, size_t done, size_t part) {
          copy_ordered(at, static_cast<const char*>(in) + done, part);
        },
        &way);
    return way;
  };
  CodePages::Way first;
  if (code_pages_.covers(address, length)) first = {strip_tag(address), length};
  return code_pages_.past(frame, write, first) && written;
}

bool GuestMemory::host_compare_swap(mtedbg_GuestFrame* frame, uint64_t address, uint32_t& seen,
                                    uint32_t made) {
  if (address % sizeof seen != 0) return false;
  return host_access(frame, address, sizeof seen, kReadWrite, [&](void* at, size_t, size_t) {
    UncheckedAccess unchecked;
    full_fence();
    __atomic_compare_exchange_n(static_cast<uint32_t*>(at), &seen, made, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    full_fence();
  });
}

}  // namespace mtetso
