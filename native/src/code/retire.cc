// SPDX-License-Identifier: MIT
//
// The end of a block: retired, forgotten.
#include <algorithm>
#include <mutex>

#include "code/change.h"
#include "code/code.h"
#include "code/description.h"
#include "code/epochs.h"
#include "code/listener.h"
#include "debug/points.h"

namespace mtetso {

Code::~Code() {
  retire_all("its program is gone");
  std::lock_guard hold(code_lock());
  for (const auto& block : blocks_) forget(*block);
  blocks_.clear();
  records_->end();
  records_.reset();
}

// Ids are given in the order of commits.
std::shared_ptr<CodeBlock> Code::own(const CodeBlock* block) const {
  if (block == nullptr) return nullptr;
  const auto at =
      std::lower_bound(blocks_.begin(), blocks_.end(), block->record.id,
                       [](const auto& one, uint64_t wanted) { return one->record.id < wanted; });
  return at == blocks_.end() || at->get() != block ? nullptr : *at;
}

// Removes every way into the block, except those of threads that are in it.
void Code::hide(const CodeBlock* block) {
  for (const uint64_t rip : block->guest_entries) entries_.erase(rip, block->base(), block->end());
  for (const mtedbg_Range& range : block->ranges) {
    if (TierSlot* slot = this->slot(range.function)) {
      if (block->holds(slot->best.load(std::memory_order_relaxed))) slot->best.store(0);
      if (block->holds(slot->better.load(std::memory_order_relaxed))) slot->better.store(0);
    }
    const mtedbg_Function* function = code_description().function(range.function);
    if (function == nullptr || function->block != block->record.id) continue;
    mtedbg_Function record = *function;
    record.block = 0;
    record.best_tier = MTEDBG_Tier_None;
    record.tier_state = MTEDBG_TierState_Idle;
    code_description().change_function(record);
  }
  // Native code that has such a stub may still call it (Engine::entered); others get a new one.
  std::erase_if(exports_, [&](const auto& one) {
    return one.second.callee == block || one.second.stub == block;
  });
  map_.remove(block);
}

void Code::retire(const CodeBlock* block, std::string_view reason) {
  std::lock_guard hold(code_lock());
  const std::shared_ptr<CodeBlock> found = own(block);
  if (found == nullptr || found->record.state != MTEDBG_BlockState_Published) return;
  retire_locked(found, reason);
}

void Code::retire_locked(const std::shared_ptr<CodeBlock>& retired, std::string_view reason) {
  const CodeBlock* block = retired.get();
  const char* kept = retired->memory.string(reason);
  code_description().reserve();
  retired_.reserve(blocks_.size());
  const CodeMapChange change(MTEDBG_Operation_RetireBlock, block->record.id);
  point(Point::RetireJournal);
  hide(block);
  point(Point::RetireHidden);
  code_description().retire(retired, {kept, reason.size()});
  retired_.push_back({block, epochs().retire()});
  point(Point::RetireDescribed);
}

size_t Code::retire_where(const std::function<bool(const CodeBlock&)>& chosen,
                          std::string_view reason) {
  std::lock_guard hold(code_lock());
  size_t count = 0;
  for (const auto& block : blocks_) {
    if (block->record.state != MTEDBG_BlockState_Published || !chosen(*block)) continue;
    retire_locked(block, reason);
    ++count;
  }
  return count;
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

// The segment goes with the last block that refers to it.
void Code::forget(CodeBlock& block) {
  process_code_map().remove(&block);
  tell_removed(block);
  const std::weak_ptr<CodeSegment> left = block.segment;
  const CodeSegment& segment = *block.segment;
  block.segment.reset();
  if (!left.expired()) code_description().publish_segment(segment);
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
    forget(*own(at->block));
  }
  retired_.erase(kept, retired_.end());
  if (count != 0) std::erase_if(blocks_, [](const auto& one) { return one->segment == nullptr; });
  return count;
}

}  // namespace mtetso
