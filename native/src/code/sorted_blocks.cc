// SPDX-License-Identifier: MIT
#include "code/sorted_blocks.h"

#include <algorithm>

namespace mtetso {

void SortedBlocks::reserve(size_t blocks) {
  groups_.reserve(blocks / kGroup + 1);
  entries_.reserve(blocks);
}

const CodeBlock* SortedBlocks::find(uintptr_t pc) const {
  if (entries_.empty()) return nullptr;
  const uintptr_t* group = groups_.data();
  for (size_t left = groups_.size(); left > 1;) {
    const size_t half = left / 2;
    group = group[half] <= pc ? group + half : group;
    left -= half;
  }
  const size_t first = static_cast<size_t>(group - groups_.data()) * kGroup;
  const Entry* entry = entries_.data() + first;
  const size_t count = std::min(kGroup, entries_.size() - first);
  size_t not_above = 0;
  for (size_t i = 1; i < count; ++i) not_above += entry[i].base <= pc;
  const CodeBlock* found = entry[not_above].block;
  return found->holds(pc) ? found : nullptr;
}

size_t SortedBlocks::below(uintptr_t base) const {
  const auto at =
      std::lower_bound(entries_.begin(), entries_.end(), base,
                       [](const Entry& one, uintptr_t wanted) { return one.base < wanted; });
  return static_cast<size_t>(at - entries_.begin());
}

// The bases of the groups from the one that entry `from` is in.
void SortedBlocks::note_groups(size_t from) {
  groups_.resize((entries_.size() + kGroup - 1) / kGroup);
  for (size_t i = from / kGroup; i < groups_.size(); ++i) groups_[i] = entries_[i * kGroup].base;
}

void SortedBlocks::insert(size_t index, const CodeBlock* block) {
  entries_.insert(entries_.begin() + static_cast<ptrdiff_t>(index), {block->base(), block});
  note_groups(index);
}

void SortedBlocks::erase(size_t index) {
  entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(index));
  note_groups(index);
}

void SortedBlocks::assign(const SortedBlocks& other) {
  entries_.assign(other.entries_.begin(), other.entries_.end());
  groups_.assign(other.groups_.begin(), other.groups_.end());
}

void SortedBlocks::swap(SortedBlocks& other) noexcept {
  entries_.swap(other.entries_);
  groups_.swap(other.groups_);
}

}  // namespace mtetso
