// SPDX-License-Identifier: MIT
#include "debug/table.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "debug/arena.h"
#include "debug/fence.h"
#include "debug/points.h"

namespace mtetso {

static_assert(sizeof(mtedbg_Buffer) % alignof(uint64_t) == 0, "records follow the header directly");

mtedbg_Buffer* TableWriter::buffer(uint64_t generation) const {
  return reinterpret_cast<mtedbg_Buffer*>((generation & 1) != 0 ? table_.buffer1 : table_.buffer0);
}

void TableWriter::reserve(size_t count) {
  const uint64_t next = table_.published + 1;
  const mtedbg_Buffer* hidden = buffer(next);
  if (hidden != nullptr && hidden->capacity >= count) return;
  const size_t capacity = std::max<size_t>(16, std::max(count, 2 * count));
  if (capacity > UINT32_MAX) throw std::bad_alloc();
  const size_t bytes = sizeof(mtedbg_Buffer) + capacity * stride_ + sizeof(uint64_t);
  auto* grown = static_cast<mtedbg_Buffer*>(arena_allocate(bytes));
  grown->capacity = static_cast<uint32_t>(capacity);
  grown->stride = stride_;
  // The outgrown buffer is kept: a reader may have its address. All of them together are smaller
  // than the newest.
  uint64_t& place = (next & 1) != 0 ? table_.buffer1 : table_.buffer0;
  std::atomic_ref(place).store(address_of(grown), std::memory_order_release);
}

void TableWriter::publish(const void* records, size_t count) {
  reserve(count);
  const uint64_t next = table_.published + 1;
  mtedbg_Buffer* hidden = buffer(next);
  auto* body = reinterpret_cast<unsigned char*>(hidden + 1);
  const size_t bytes = count * stride_;
  // From here to the last store gen_begin and gen_end differ, or the checksum does not fit: a
  // reader that takes this buffer for the older generation sees that it is not.
  std::atomic_ref(hidden->gen_begin).store(next, std::memory_order_relaxed);
  full_fence();
  point(Point::TableFilling);
  hidden->count = static_cast<uint32_t>(count);
  hidden->checksum = mtedbg_crc32(records, bytes);
  if (bytes != 0) std::memcpy(body, records, bytes);
  auto* gen_end = reinterpret_cast<uint64_t*>(body + bytes);
  std::atomic_ref(*gen_end).store(next, std::memory_order_release);
  point(Point::TableFilled);
  std::atomic_ref(table_.published).store(next, std::memory_order_release);
}

}  // namespace mtetso
