// SPDX-License-Identifier: MIT
//
// The end of a block: retired, forgotten, unmapped.
#include <algorithm>
#include <mutex>

#include "code/change.h"
#include "code/code.h"
#include "code/description.h"
#include "code/epochs.h"
#include "code/listener.h"
#include "debug/arena.h"
#include "debug/points.h"

namespace mtetso {

Code::~Code() {
  retire_all("its program is gone");
  std::lock_guard hold(code_lock());
  for (const auto& block : blocks_) {
    process_code_map().remove(block.get());
    tell_removed(*block);
  }
  blocks_.clear();
  unmap_unused_segments();
  code_description().remove_code(id_);
}

// Removes every way into the block, except those of threads that are in it.
void Code::hide(const CodeBlock* block) {
  entries_.erase_range(block->base(), block->end());
  for (const auto& [function, slot] : slots_) {
    if (block->holds(slot->best.load(std::memory_order_relaxed))) slot->best.store(0);
    if (block->holds(slot->better.load(std::memory_order_relaxed))) slot->better.store(0);
  }
  for (const mtedbg_Range& range : block->ranges) {
    mtedbg_Function* function = code_description().function(range.function);
    if (function == nullptr || function->block != block->record.id) continue;
    function->block = 0;
    function->best_tier = MTEDBG_Tier_None;
    function->tier_state = MTEDBG_TierState_Idle;
    code_description().publish_function(range.function);
  }
  // Native code that has such a stub may still call it (Engine::entered); others get a new one.
  std::erase_if(exports_, [&](const auto& one) {
    return one.second.callee == block->record.id || block->holds(one.second.stub);
  });
  map_.remove(block);
}

void Code::retire(const CodeBlock* block, std::string_view reason) {
  const char* kept = arena_string(reason);
  std::lock_guard hold(code_lock());
  const auto at = std::find_if(blocks_.begin(), blocks_.end(),
                               [&](const auto& one) { return one.get() == block; });
  if (at == blocks_.end() || block->record.state != MTEDBG_BlockState_Published) return;
  code_description().reserve();
  retired_.reserve(blocks_.size());
  const CodeMapChange change(MTEDBG_Operation_RetireBlock, block->record.id);
  point(Point::RetireJournal);
  hide(block);
  point(Point::RetireHidden);
  code_description().retire(*block, kept, static_cast<uint32_t>(reason.size()));
  (*at)->record.state = MTEDBG_BlockState_Retired;
  retired_.push_back({block, epochs().retire()});
  point(Point::RetireDescribed);
}

size_t Code::retire_where(const std::function<bool(const CodeBlock&)>& chosen,
                          std::string_view reason) {
  std::vector<const CodeBlock*> found;
  visit([&](const CodeBlock& block) {
    if (block.record.state == MTEDBG_BlockState_Published && chosen(block)) found.push_back(&block);
  });
  for (const CodeBlock* block : found) retire(block, reason);
  return found.size();
}

size_t Code::retire_made_from(uint64_t begin, uint64_t end, std::string_view reason) {
  return retire_where([&](const CodeBlock& block) { return block.made_from(begin, end); }, reason);
}

void Code::retire_all(std::string_view reason) {
  retire_where([](const CodeBlock&) { return true; }, reason);
}

size_t Code::retired() const {
  std::lock_guard hold(code_lock());
  return static_cast<size_t>(
      std::count_if(retired_.begin(), retired_.end(),
                    [](const RetiredBlock& one) { return one.block->stubs == 0; }));
}

void Code::forget(const CodeBlock* block) {
  process_code_map().remove(block);
  tell_removed(*block);
  std::erase_if(blocks_, [&](const auto& one) { return one.get() == block; });
}

size_t Code::reclaim(uint64_t epoch, const std::function<void(const CodeBlock&)>& last) {
  std::lock_guard hold(code_lock());
  code_description().reserve();
  const auto may_go = [&](const RetiredBlock& one) {
    return one.epoch < epoch && one.block->stubs == 0;
  };
  const auto kept = std::stable_partition(retired_.begin(), retired_.end(),
                                          [&](const RetiredBlock& one) { return !may_go(one); });
  const auto count = static_cast<size_t>(retired_.end() - kept);
  for (auto at = kept; at != retired_.end(); ++at) {
    last(*at->block);
    forget(at->block);
  }
  retired_.erase(kept, retired_.end());
  if (count != 0) unmap_unused_segments();
  return count;
}

// Unmaps segments that only this list and the description refer to. The debug root says so before
// the memory goes, so that a debugger never follows a record into unmapped memory.
void Code::unmap_unused_segments() {
  constexpr long kListed = 2;
  for (auto at = segments_.begin(); at != segments_.end();) {
    if (at->use_count() > kListed) {
      ++at;
      continue;
    }
    code_description().remove_segment((*at)->id());
    point(Point::UnmapMarked);
    at = segments_.erase(at);
    point(Point::UnmapDone);
  }
}

}  // namespace mtetso
