// SPDX-License-Identifier: MIT
//
// What a debugger reads at any instruction, or out of a core: the tables and slots of debug_root.h
// with their records' type, in memory of the arena. Writers are serialised by their owner.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mtetso {

// Two buffers, filled whole, published by one store: for what is small. The untyped part.
class TableWriter {
 public:
  explicit TableWriter(uint32_t stride) : stride_(stride) {}

  // Makes room for `count` records in the buffer that is filled next, so that publish() of so many
  // cannot fail. Throws bad_alloc.
  void reserve(size_t count);
  // Fills the hidden buffer with `count` records and publishes it. Throws bad_alloc.
  void publish(const void* records, size_t count);

  const mtedbg_Table& abi() const { return table_; }

 private:
  uint32_t stride_;
  mtedbg_Table table_{};
};

template <typename T>
class PublishedTable {
 public:
  PublishedTable() : writer_(sizeof(T)) {}
  void reserve(size_t count) { writer_.reserve(count); }
  void publish(std::span<const T> records) { writer_.publish(records.data(), records.size()); }
  const mtedbg_Table& abi() const { return writer_.abi(); }

 private:
  TableWriter writer_;
};

// The addresses that a record concerns.
struct Bounds {
  uint64_t low = 0;
  uint64_t high = UINT64_MAX;
};

// A slot for each record, each published by one store: for what grows. The untyped part.
class SlotsWriter {
 public:
  static constexpr uint32_t kOfChunk = 256;

  explicit SlotsWriter(uint32_t stride) { mtedbg_slots_open(&slots_, stride, kOfChunk); }

  // Makes room for one more, so that the next add() cannot fail, nor any remove(). Throws
  // bad_alloc.
  void reserve();
  // Adds a record; returns its slot's number: of all from which one was taken away the lowest, else
  // the next one. Throws bad_alloc.
  uint64_t add(const void* record, const Bounds& bounds);
  // The slot that add() takes.
  uint64_t next() const { return free_.empty() ? slots_.count : free_.front(); }
  void change(uint64_t slot, const void* record, const Bounds& bounds);
  // Takes a record away, of which there is one.
  void remove(uint64_t slot);

  const mtedbg_Slots& abi() const { return slots_; }

 private:
  mtedbg_Slots slots_{};
  std::vector<uint64_t> free_;  // a heap, the lowest first
};

template <typename T>
class PublishedSlots {
 public:
  static_assert(sizeof(T) % sizeof(uint64_t) == 0, "slots begin at whole words");

  PublishedSlots() : writer_(sizeof(T)) {}
  void reserve() { writer_.reserve(); }
  uint64_t add(const T& record, const Bounds& bounds = {}) { return writer_.add(&record, bounds); }
  uint64_t next() const { return writer_.next(); }
  void change(uint64_t slot, const T& record, const Bounds& bounds = {}) {
    writer_.change(slot, &record, bounds);
  }
  void remove(uint64_t slot) { writer_.remove(slot); }
  // The record of a slot, as it was published last; of zeros where it was removed.
  const T& at(uint64_t slot) const {
    return *static_cast<const T*>(mtedbg_slots_at(&writer_.abi(), slot));
  }
  uint64_t count() const { return writer_.abi().count; }
  const mtedbg_Slots& abi() const { return writer_.abi(); }

 private:
  SlotsWriter writer_;
};

}  // namespace mtetso
