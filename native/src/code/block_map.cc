// SPDX-License-Identifier: MIT
#include "code/block_map.h"

namespace mtetso {

const CodeBlock* CodeBlockMap::lookup(uintptr_t pc) const {
  return blocks_.read([&](const SortedBlocks& blocks) {
    if (inside_lookup != nullptr) inside_lookup();
    return blocks.find(pc);
  });
}

CodeBlockMap::~CodeBlockMap() {
  const SortedBlocks& all = blocks_.shown();
  for (size_t i = 0; i < all.chunks(); ++i) delete all.chunk(i);
}

// In both copies, which have room. A chunk that is in neither any more nobody reads: it is a spare
// one then, so that a removal always has one.
void CodeBlockMap::change(const SortedBlocks::Change& made) {
  for (auto& spare : spares_)
    if (spare.get() == made.made[0] || spare.get() == made.made[1]) (void)spare.release();
  blocks_.hidden().apply(made);
  BlockChunk* gone = blocks_.show_hidden().apply(made);
  if (gone != nullptr) spares_[spares_[0] == nullptr ? 0 : 1].reset(gone);
  if (spares_[0] == nullptr) spares_[0].swap(spares_[1]);
}

bool CodeBlockMap::insert(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  if (blocks_.shown().overlaps(*block)) return false;
  // All that can fail comes first. The hidden copy has no readers, so it may grow; where the shown
  // one is full, that one is shown instead.
  for (auto& spare : spares_)
    if (spare == nullptr) spare = std::make_unique<BlockChunk>();
  blocks_.hidden().reserve_one();
  if (blocks_.shown().full()) blocks_.show_hidden().reserve_one();
  change(blocks_.shown().with(block, spares_));
  ++size_;
  return true;
}

bool CodeBlockMap::remove(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  const SortedBlocks::Change made = blocks_.shown().without(block, spares_);
  if (!made.replaces) return false;
  change(made);
  --size_;
  return true;
}

size_t CodeBlockMap::size() const {
  std::lock_guard hold(writers_);
  return size_;
}

}  // namespace mtetso
