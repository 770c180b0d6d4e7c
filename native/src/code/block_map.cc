// SPDX-License-Identifier: MIT
#include "code/block_map.h"

#include <thread>

namespace mtetso {

uint32_t CodeBlockMap::enter() const {
  for (;;) {
    const uint32_t copy = published_.load(std::memory_order_seq_cst);
    copies_[copy].readers.fetch_add(1, std::memory_order_seq_cst);
    if (published_.load(std::memory_order_seq_cst) == copy) return copy;
    leave(copy);  // a writer published the other copy in between: it may change this one
  }
}

const CodeBlock* CodeBlockMap::lookup(uintptr_t pc) const {
  const uint32_t copy = enter();
  if (inside_lookup != nullptr) inside_lookup();
  const CodeBlock* found = copies_[copy].blocks.find(pc);
  leave(copy);
  return found;
}

// Publishes the hidden copy and waits until the last reader has left the other. New readers do not
// enter it, so the wait ends when those in flight have left, however many there are.
void CodeBlockMap::swap_and_wait() {
  const uint32_t old = published_.load(std::memory_order_relaxed);
  published_.store(1 - old, std::memory_order_seq_cst);
  while (copies_[old].readers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
}

bool CodeBlockMap::insert(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  const uint32_t shown = published_.load(std::memory_order_relaxed);
  SortedBlocks &hidden = copies_[1 - shown].blocks, &other = copies_[shown].blocks;
  const size_t index = hidden.below(block->base());
  if (index < hidden.size() && hidden.at(index)->base() < block->end()) return false;
  if (index != 0 && hidden.at(index - 1)->end() > block->base()) return false;
  // All that can fail comes first. The hidden copy has no readers; where the shown one is full,
  // a larger one is ready that takes its place when it is hidden.
  if (hidden.full()) hidden.reserve(2 * hidden.size() + 8);
  SortedBlocks larger;
  const bool grows = other.full();
  if (grows) larger.reserve(2 * other.size() + 8);
  hidden.insert(index, block);
  swap_and_wait();
  if (grows) {
    larger.assign(other);
    other.swap(larger);
  }
  other.insert(index, block);
  return true;
}

bool CodeBlockMap::remove(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  const uint32_t shown = published_.load(std::memory_order_relaxed);
  SortedBlocks& hidden = copies_[1 - shown].blocks;
  const size_t index = hidden.below(block->base());
  if (index == hidden.size() || hidden.at(index) != block) return false;
  hidden.erase(index);
  swap_and_wait();
  copies_[shown].blocks.erase(index);
  return true;
}

size_t CodeBlockMap::size() const {
  std::lock_guard hold(writers_);
  return copies_[published_.load(std::memory_order_relaxed)].blocks.size();
}

CodeBlockMap& process_code_map() {
  static CodeBlockMap& the = *new CodeBlockMap;
  return the;
}

}  // namespace mtetso
