// SPDX-License-Identifier: MIT
#include "code/entry_map.h"

#include <algorithm>
#include <bit>

namespace mtetso {
namespace {

uint64_t mix(uint64_t key) {  // the finaliser of MurmurHash3: guest RIPs differ in few bits
  key ^= key >> 33;
  key *= 0xff51afd7ed558ccdu;
  key ^= key >> 33;
  return key;
}

}  // namespace

// The slot of `guest_rip`, or the empty one where it would go. There always is an empty one.
EntryMap::Slot& EntryMap::Slots::at(uint64_t guest_rip) {
  const size_t mask = slots.size() - 1;
  for (size_t i = mix(guest_rip) & mask;; i = (i + 1) & mask) {
    const uint64_t there = slots[i].rip.load(std::memory_order_acquire);
    if (there == guest_rip || there == 0) return slots[i];
  }
}

uintptr_t EntryMap::find(uint64_t guest_rip) const {
  Slots* table = current_.load(std::memory_order_acquire);
  if (table == nullptr || guest_rip == 0) return 0;
  const Slot& slot = table->at(guest_rip);
  if (slot.rip.load(std::memory_order_acquire) != guest_rip) return 0;
  return slot.host.load(std::memory_order_acquire);
}

void EntryMap::reserve(size_t more) {
  Slots* old = current_.load(std::memory_order_relaxed);
  const size_t wanted = std::bit_ceil(std::max<size_t>(256, 2 * (used_ + more + 1)));
  if (old != nullptr && old->slots.size() >= wanted) return;
  kept_.reserve(kept_.size() + 1);
  auto grown = std::make_unique<Slots>(wanted);
  if (old != nullptr) {
    for (Slot& slot : old->slots) {
      const uint64_t rip = slot.rip.load(std::memory_order_relaxed);
      if (rip == 0) continue;
      Slot& place = grown->at(rip);
      place.host.store(slot.host.load(std::memory_order_relaxed), std::memory_order_relaxed);
      place.rip.store(rip, std::memory_order_relaxed);
    }
  }
  current_.store(grown.get(), std::memory_order_release);
  kept_.push_back(std::move(grown));
}

void EntryMap::set(uint64_t guest_rip, uintptr_t host) {
  Slot& slot = current_.load(std::memory_order_relaxed)->at(guest_rip);
  slot.host.store(host, std::memory_order_release);
  if (slot.rip.load(std::memory_order_relaxed) == guest_rip) return;
  slot.rip.store(guest_rip, std::memory_order_release);
  ++used_;
}

void EntryMap::erase(uint64_t guest_rip, uintptr_t begin, uintptr_t end) {
  Slots* table = current_.load(std::memory_order_relaxed);
  if (table == nullptr) return;
  Slot& slot = table->at(guest_rip);  // its RIP stays: later ones may follow it
  const uintptr_t host = slot.host.load(std::memory_order_relaxed);
  if (host >= begin && host < end) slot.host.store(0, std::memory_order_release);
}

}  // namespace mtetso
