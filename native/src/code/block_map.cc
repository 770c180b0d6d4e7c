// SPDX-License-Identifier: MIT
#include "code/block_map.h"

namespace mtetso {

const CodeBlock* CodeBlockMap::lookup(uintptr_t pc) const {
  return blocks_.read([&](const SortedBlocks& blocks) {
    if (inside_lookup != nullptr) inside_lookup();
    return blocks.find(pc);
  });
}

bool CodeBlockMap::insert(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  SortedBlocks& hidden = blocks_.hidden();
  const size_t index = hidden.below(block->base());
  if (index < hidden.size() && hidden.at(index)->base() < block->end()) return false;
  if (index != 0 && hidden.at(index - 1)->end() > block->base()) return false;
  // All that can fail comes first. The hidden copy has no readers; where the shown one is full,
  // a larger one is ready that takes its place when it is hidden.
  if (hidden.full()) hidden.reserve(2 * hidden.size() + 8);
  SortedBlocks larger;
  const bool grows = blocks_.shown().full();
  if (grows) larger.reserve(2 * blocks_.shown().size() + 8);
  hidden.insert(index, block);
  SortedBlocks& other = blocks_.show_hidden();
  if (grows) {
    larger.assign(other);
    other.swap(larger);
  }
  other.insert(index, block);
  return true;
}

bool CodeBlockMap::remove(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  SortedBlocks& hidden = blocks_.hidden();
  const size_t index = hidden.below(block->base());
  if (index == hidden.size() || hidden.at(index) != block) return false;
  hidden.erase(index);
  blocks_.show_hidden().erase(index);
  return true;
}

size_t CodeBlockMap::size() const {
  std::lock_guard hold(writers_);
  return blocks_.shown().size();
}

}  // namespace mtetso
