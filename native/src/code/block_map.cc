// SPDX-License-Identifier: MIT
#include "code/block_map.h"

#include <algorithm>
#include <thread>

namespace mtetso {
namespace {

bool before(const CodeBlock* a, const CodeBlock* b) { return a->base() < b->base(); }

}  // namespace

uint32_t CodeBlockMap::enter() const {
  for (;;) {
    const uint32_t copy = published_.load(std::memory_order_seq_cst);
    copies_[copy].readers.fetch_add(1, std::memory_order_seq_cst);
    if (published_.load(std::memory_order_seq_cst) == copy) return copy;
    leave(copy);  // a writer published the other one between: this copy may be its to change
  }
}

const CodeBlock* CodeBlockMap::lookup(uintptr_t pc) const {
  const uint32_t copy = enter();
  if (inside_lookup != nullptr) inside_lookup();
  const Blocks& blocks = copies_[copy].blocks;
  const auto after =
      std::upper_bound(blocks.begin(), blocks.end(), pc,
                       [](uintptr_t wanted, const CodeBlock* b) { return wanted < b->base(); });
  const CodeBlock* found = after == blocks.begin() ? nullptr : *(after - 1);
  if (found != nullptr && !found->holds(pc)) found = nullptr;
  leave(copy);
  return found;
}

// Publishes the hidden copy and waits until the last reader has left the other. New readers do not
// come into it, so the wait ends when those in flight are through, however many there are.
void CodeBlockMap::swap_and_wait() {
  const uint32_t old = published_.load(std::memory_order_relaxed);
  published_.store(1 - old, std::memory_order_seq_cst);
  while (copies_[old].readers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
}

bool CodeBlockMap::insert(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  const uint32_t shown = published_.load(std::memory_order_relaxed);
  Blocks& hidden = copies_[1 - shown].blocks;
  const auto at = std::lower_bound(hidden.begin(), hidden.end(), block, before);
  if (at != hidden.end() && (*at)->base() < block->end()) return false;
  if (at != hidden.begin() && (*(at - 1))->end() > block->base()) return false;
  const auto index = at - hidden.begin();
  // All that can fail comes first. The hidden copy has no readers; for the shown one there is a
  // vector ready that will take its place when it is hidden.
  hidden.reserve(hidden.size() + 1);
  Blocks second;
  second.reserve(hidden.capacity());
  hidden.insert(hidden.begin() + index, block);
  second.assign(hidden.begin(), hidden.end());
  swap_and_wait();
  copies_[shown].blocks.swap(second);
  return true;
}

bool CodeBlockMap::remove(const CodeBlock* block) {
  std::lock_guard hold(writers_);
  const uint32_t shown = published_.load(std::memory_order_relaxed);
  Blocks& hidden = copies_[1 - shown].blocks;
  const auto at = std::lower_bound(hidden.begin(), hidden.end(), block, before);
  if (at == hidden.end() || *at != block) return false;
  const auto index = at - hidden.begin();
  hidden.erase(at);
  swap_and_wait();
  Blocks& other = copies_[shown].blocks;
  other.erase(other.begin() + index);
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
