// SPDX-License-Identifier: MIT
//
// A hash table from guest addresses, for one translation: open addressing, in one piece of memory.
// Trees took a fifth of the time of translating, in allocations and comparisons.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mtetso {

template <typename Value>
class RipMap {
 public:
  // Null where nothing was put.
  Value* find(uint64_t rip) {
    Slot& slot = at(rip);
    return slot.used ? &slot.value : nullptr;
  }
  const Value* find(uint64_t rip) const { return const_cast<RipMap*>(this)->find(rip); }
  bool contains(uint64_t rip) const { return find(rip) != nullptr; }

  // What is there, or a new Value{}. Later calls may move it.
  Value& operator[](uint64_t rip) {
    Slot* slot = &at(rip);
    if (slot->used) return slot->value;
    if (2 * (used_ + 1) > slots_.size()) {
      grow();
      slot = &at(rip);
    }
    ++used_;
    slot->used = true;
    slot->rip = rip;
    return slot->value;
  }

 private:
  static constexpr size_t kFirst = 512;

  struct Slot {
    uint64_t rip = 0;
    Value value{};
    bool used = false;
  };

  // The slot of `rip`, or the empty one where it would go. There always is an empty one.
  Slot& at(uint64_t rip) {
    const size_t mask = slots_.size() - 1;
    for (size_t i = rip * 0x9e37'79b9'7f4a'7c15 >> shift_;; ++i) {
      Slot& slot = slots_[i & mask];
      if (!slot.used || slot.rip == rip) return slot;
    }
  }

  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    --shift_;
    for (const Slot& slot : old)
      if (slot.used) at(slot.rip) = slot;
  }

  std::vector<Slot> slots_{kFirst};
  unsigned shift_ = 64 - std::bit_width(kFirst - 1);  // the upper bits of a product are mixed best
  size_t used_ = 0;
};

}  // namespace mtetso
