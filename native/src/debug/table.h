// SPDX-License-Identifier: MIT
//
// A table that can be read at any instruction, by a debugger or out of a core: two buffers,
// filled whole, published by one store (see debug_root.h).
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mtetso {

// The untyped part. Writers are serialised by the table's owner.
class TableWriter {
 public:
  explicit TableWriter(uint32_t stride) : stride_(stride) {}

  // Makes room for `count` records in the buffer that is filled next, so that publish() of so many
  // cannot fail. Throws bad_alloc.
  void reserve(size_t count);
  // Fills the hidden buffer with `count` records and publishes it.
  void publish(const void* records, size_t count);

  const mtedbg_Table& abi() const { return table_; }

 private:
  mtedbg_Buffer* buffer(uint64_t generation) const;

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

}  // namespace mtetso
