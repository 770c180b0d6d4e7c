// SPDX-License-Identifier: MIT
#include "debug/points.h"

namespace mtetso {
namespace {
void between(int step);
}
}  // namespace mtetso

// Here alone: no other file publishes.
#define MTEDBG_BETWEEN(step) mtetso::between(step)

#include <algorithm>
#include <functional>

#include "debug/arena.h"
#include "debug/table.h"

namespace mtetso {
namespace {

void between(int step) { point(step == MTEDBG_FILLING ? Point::TableFilling : Point::TableFilled); }

void* allocate(size_t bytes) {
  try {
    return arena_allocate(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

static_assert(sizeof(mtedbg_Buffer) % alignof(uint64_t) == 0, "records follow the header directly");

void TableWriter::reserve(size_t count) {
  if (mtedbg_reserve_table(&table_, count, stride_, allocate) != 0) throw std::bad_alloc();
}

void TableWriter::publish(const void* records, size_t count) {
  if (mtedbg_publish_table(&table_, records, count, stride_, allocate) != 0) throw std::bad_alloc();
}

void SlotsWriter::reserve() {
  if (free_.capacity() <= slots_.count) free_.reserve(2 * slots_.count + 8);
  if (mtedbg_slots_reserve(&slots_, allocate) != 0) throw std::bad_alloc();
}

uint64_t SlotsWriter::add(const void* record, const Bounds& bounds) {
  if (free_.empty()) {
    const int64_t slot = mtedbg_slots_append(&slots_, record, bounds.low, bounds.high, allocate);
    if (slot < 0) throw std::bad_alloc();
    return static_cast<uint64_t>(slot);
  }
  std::pop_heap(free_.begin(), free_.end(), std::greater<>());
  const uint64_t slot = free_.back();
  free_.pop_back();
  change(slot, record, bounds);
  return slot;
}

void SlotsWriter::change(uint64_t slot, const void* record, const Bounds& bounds) {
  mtedbg_slots_change(&slots_, slot, record, bounds.low, bounds.high);
}

void SlotsWriter::remove(uint64_t slot) {
  mtedbg_slots_remove(&slots_, slot);
  free_.push_back(slot);
  std::push_heap(free_.begin(), free_.end(), std::greater<>());
}

}  // namespace mtetso
