// SPDX-License-Identifier: MIT
//
// Guest RIP → host entry. Readers take no lock; writers are serialised by their owner (Code). An
// open hash table that is replaced by a larger one when half full; old tables are kept, because a
// reader may still be in one. They add up to less than the newest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mtetso {

class EntryMap {
 public:
  EntryMap() = default;
  EntryMap(const EntryMap&) = delete;
  EntryMap& operator=(const EntryMap&) = delete;

  // 0 if there is none. Lock-free, async-signal-safe.
  uintptr_t find(uint64_t guest_rip) const;

  // Makes room for `more` further entries, so that set() cannot fail. Throws bad_alloc.
  void reserve(size_t more);
  // Adds or replaces. guest_rip and host must not be 0.
  void set(uint64_t guest_rip, uintptr_t host);
  // Removes the entry of `guest_rip`, if there is one and it leads to [begin, end).
  void erase(uint64_t guest_rip, uintptr_t begin, uintptr_t end);

 private:
  struct Slot {
    std::atomic<uint64_t> rip{0};
    std::atomic<uintptr_t> host{0};
  };
  struct Slots {
    explicit Slots(size_t count) : slots(count) {}
    std::vector<Slot> slots;  // a power of two
    Slot& at(uint64_t guest_rip);
  };

  std::atomic<Slots*> current_{nullptr};
  std::vector<std::unique_ptr<Slots>> kept_;
  size_t used_ = 0;
};

}  // namespace mtetso
