// SPDX-License-Identifier: MIT
//
// Blocks in the order of their addresses, to be searched by PC: an array of chunks, each of up to
// 64 blocks. Not thread-safe: CodeBlockMap has two arrays, which share their chunks. A chunk never
// changes; a change makes another one, which takes its place in one array and then in the other. So
// readers that go from one array to the other find in their caches what they have read.
//
// A search halves the array of the chunks' first bases without a branch on the data, because a PC's
// place cannot be predicted; then it counts through two nodes of eight bases, a cache line each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "code/block.h"

namespace mtetso {

class BlockChunk {
 public:
  static constexpr size_t kMost = 64;

  // In place of what it had: [begin, end) of another one's.
  void take(const BlockChunk& from, size_t begin, size_t end);
  // In place of what it had: one.
  void take(const CodeBlock* block);
  // As the one at `index`; there is room.
  void insert(size_t index, const CodeBlock* block);
  void erase(size_t index);

  size_t size() const { return count_; }
  uintptr_t first_base() const { return bases_[0]; }
  const CodeBlock* at(size_t index) const { return places_[index].block; }
  // How many have a base below `base`.
  size_t below(uintptr_t base) const;
  // The block that holds `pc`, null if there is none.
  const CodeBlock* find(uintptr_t pc) const {
    size_t node = 0;
    if (count_ > kNode) node = step(nodes_.data(), pc);
    const size_t index = node * kNode + step(&bases_[node * kNode], pc);
    // No block is touched that is not the one.
    return pc - bases_[index] < places_[index].length ? places_[index].block : nullptr;
  }

 private:
  static constexpr size_t kNode = 8;
  static constexpr uintptr_t kNone = UINTPTR_MAX;
  struct Place {
    uint64_t length;
    const CodeBlock* block;
  };

  // The last key of a node that is not above `pc`; the first one if all are.
  static size_t step(const uintptr_t* keys, uintptr_t pc) {
    size_t last = 0;
    for (size_t i = 1; i < kNode; ++i) last += keys[i] <= pc;
    return last;
  }

  static_assert(kMost == kNode * kNode);
  void note_nodes();

  // Where there is no block a base is kNone and a length 0.
  alignas(64) std::array<uintptr_t, kMost / kNode> nodes_;  // of every eighth
  std::array<uintptr_t, kMost> bases_;
  std::array<Place, kMost> places_;
  size_t count_ = 0;
};

class SortedBlocks {
 public:
  // One chunk, or none, that goes, and up to two that take its place.
  struct Change {
    size_t index = 0;
    bool replaces = false;
    std::array<BlockChunk*, 2> made{};
  };
  // Chunks that nobody reads.
  using Spares = std::array<std::unique_ptr<BlockChunk>, 2>;

  size_t chunks() const { return chunks_.size(); }
  BlockChunk* chunk(size_t index) const { return chunks_[index]; }

  // The block that holds `pc`, null if there is none.
  const CodeBlock* find(uintptr_t pc) const {
    return chunks_.empty() ? nullptr : chunks_[chunk_of(pc)]->find(pc);
  }
  // Whether it would overlap one of them.
  bool overlaps(const CodeBlock& block) const;

  // What puts the block in, which overlaps none, with both spares filled or one; what takes it out,
  // with the first one filled or none, and `replaces` false if it is not there.
  Change with(const CodeBlock* block, const Spares& spares) const;
  Change without(const CodeBlock* block, const Spares& spares) const;

  // Makes room for one more chunk. Throws bad_alloc. Without it apply() could fail.
  void reserve_one();
  bool full() const { return chunks_.size() == chunks_.capacity(); }
  // Refers to the chunks of `change` and does not own them; returns the one that went, or null.
  BlockChunk* apply(const Change& change);

 private:
  // The chunk in which `pc` is if it is in any: the last one that does not begin above it, or the
  // first. There is one.
  size_t chunk_of(uintptr_t pc) const {
    const uintptr_t* first = firsts_.data();
    for (size_t left = firsts_.size(); left > 1;) {
      const size_t half = left / 2;
      first = first[half] <= pc ? first + half : first;
      left -= half;
    }
    return static_cast<size_t>(first - firsts_.data());
  }

  std::vector<uintptr_t> firsts_;  // chunks_[i]->first_base()
  std::vector<BlockChunk*> chunks_;
};

}  // namespace mtetso
