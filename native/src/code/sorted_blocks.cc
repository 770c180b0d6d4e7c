// SPDX-License-Identifier: MIT
#include "code/sorted_blocks.h"

#include <algorithm>

namespace mtetso {

// What is there is copied, no block is read: they are all over the memory.
void BlockChunk::take(const BlockChunk& from, size_t begin, size_t end) {
  count_ = end - begin;
  std::copy(&from.bases_[begin], &from.bases_[0] + end, bases_.begin());
  std::copy(&from.places_[begin], &from.places_[0] + end, places_.begin());
  std::fill(bases_.begin() + count_, bases_.end(), kNone);
  std::fill(places_.begin() + count_, places_.end(), Place{0, nullptr});
  note_nodes();
}

void BlockChunk::take(const CodeBlock* block) {
  bases_.fill(kNone);
  places_.fill({0, nullptr});
  count_ = 0;
  insert(0, block);
}

void BlockChunk::insert(size_t index, const CodeBlock* block) {
  std::copy_backward(&bases_[index], &bases_[0] + count_, &bases_[0] + count_ + 1);
  std::copy_backward(&places_[index], &places_[0] + count_, &places_[0] + count_ + 1);
  bases_[index] = block->base();
  places_[index] = {block->record.length, block};
  ++count_;
  note_nodes();
}

void BlockChunk::erase(size_t index) {
  std::copy(&bases_[index] + 1, &bases_[0] + count_, &bases_[index]);
  std::copy(&places_[index] + 1, &places_[0] + count_, &places_[index]);
  --count_;
  bases_[count_] = kNone;
  places_[count_] = {0, nullptr};
  note_nodes();
}

void BlockChunk::note_nodes() {
  for (size_t i = 0; i < kNode; ++i) nodes_[i] = bases_[i * kNode];
}

size_t BlockChunk::below(uintptr_t base) const {
  return static_cast<size_t>(std::lower_bound(bases_.begin(), bases_.begin() + count_, base) -
                             bases_.begin());
}

bool SortedBlocks::overlaps(const CodeBlock& block) const {
  if (chunks_.empty()) return false;
  const size_t index = chunk_of(block.base());
  const BlockChunk& chunk = *chunks_[index];
  const size_t below = chunk.below(block.base());
  // The one before is in this chunk, unless the block would be the first of all.
  if (below != 0 && chunk.at(below - 1)->end() > block.base()) return true;
  const CodeBlock* next = nullptr;
  if (below != chunk.size())
    next = chunk.at(below);
  else if (index + 1 != chunks_.size())
    next = chunks_[index + 1]->at(0);
  return next != nullptr && next->base() < block.end();
}

SortedBlocks::Change SortedBlocks::with(const CodeBlock* block, const Spares& spares) const {
  constexpr size_t kMost = BlockChunk::kMost;
  Change change;
  BlockChunk* made = change.made[0] = spares[0].get();
  if (!chunks_.empty()) {
    change.index = chunk_of(block->base());
    const BlockChunk& chunk = *chunks_[change.index];
    const size_t place = chunk.below(block->base());
    change.replaces = place != kMost;
    if (chunk.size() < kMost) {
      made->take(chunk, 0, chunk.size());
      made->insert(place, block);
      return change;
    }
    if (change.replaces) {
      constexpr size_t kHalf = kMost / 2;
      change.made[1] = spares[1].get();
      made->take(chunk, 0, kHalf);
      change.made[1]->take(chunk, kHalf, kMost);
      change.made[place > kHalf ? 1 : 0]->insert(place > kHalf ? place - kHalf : place, block);
      return change;
    }
    // Code is placed upwards: behind a full chunk the next one begins, and full ones stay.
    ++change.index;
  }
  made->take(block);
  return change;
}

SortedBlocks::Change SortedBlocks::without(const CodeBlock* block, const Spares& spares) const {
  Change change;
  if (chunks_.empty()) return change;
  change.index = chunk_of(block->base());
  const BlockChunk& chunk = *chunks_[change.index];
  const size_t place = chunk.below(block->base());
  if (place == chunk.size() || chunk.at(place) != block) return change;
  change.replaces = true;
  if (chunk.size() == 1) return change;
  change.made[0] = spares[0].get();
  change.made[0]->take(chunk, 0, chunk.size());
  change.made[0]->erase(place);
  return change;
}

void SortedBlocks::reserve_one() {
  if (!full()) return;
  const size_t more = 2 * chunks_.size() + 8;
  firsts_.reserve(more);
  chunks_.reserve(more);
}

BlockChunk* SortedBlocks::apply(const Change& change) {
  const auto at = static_cast<ptrdiff_t>(change.index);
  BlockChunk* gone = nullptr;
  if (change.replaces) {
    gone = chunks_[change.index];
    chunks_.erase(chunks_.begin() + at);
    firsts_.erase(firsts_.begin() + at);
  }
  for (ptrdiff_t i = 0; i < 2; ++i) {
    BlockChunk* made = change.made[static_cast<size_t>(i)];
    if (made == nullptr) break;
    chunks_.insert(chunks_.begin() + at + i, made);
    firsts_.insert(firsts_.begin() + at + i, made->first_base());
  }
  return gone;
}

}  // namespace mtetso
