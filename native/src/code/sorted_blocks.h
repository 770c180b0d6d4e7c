// SPDX-License-Identifier: MIT
//
// Blocks in the order of their addresses, to be searched by PC. Not thread-safe: CodeBlockMap has
// two of them.
//
// A second vector has the base of every eighth block. A search halves that short vector without a
// branch on the data, because a PC's place cannot be predicted; then it counts through one group,
// two cache lines that are fetched at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "code/block.h"

namespace mtetso {

// Memory that begins at a cache line.
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  LineAllocator() = default;
  template <typename U>
  LineAllocator(const LineAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* at, size_t) { ::operator delete(at, kLine); }
  bool operator==(const LineAllocator&) const = default;
};

class SortedBlocks {
 public:
  size_t size() const { return entries_.size(); }
  bool full() const { return entries_.size() == entries_.capacity(); }
  // Makes room for `blocks` blocks. Throws bad_alloc.
  void reserve(size_t blocks);

  // The block that holds `pc`, null if there is none.
  const CodeBlock* find(uintptr_t pc) const;
  // How many lie wholly below `base`.
  size_t below(uintptr_t base) const;
  const CodeBlock* at(size_t index) const { return entries_[index].block; }

  // Cannot fail while not full. The cost is proportional to the blocks above `index`.
  void insert(size_t index, const CodeBlock* block);
  void erase(size_t index);
  // Becomes a copy of `other` and cannot fail if there is room.
  void assign(const SortedBlocks& other);
  void swap(SortedBlocks& other) noexcept;

 private:
  // With the base next to the pointer, a search touches only the block that it ends at.
  struct Entry {
    uintptr_t base;
    const CodeBlock* block;
  };
  static constexpr size_t kGroup = 8;

  void note_groups(size_t from);

  std::vector<Entry, LineAllocator<Entry>> entries_;
  std::vector<uintptr_t> groups_;  // groups_[i] is entries_[kGroup * i].base
};

}  // namespace mtetso
