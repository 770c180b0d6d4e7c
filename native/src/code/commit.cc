// SPDX-License-Identifier: MIT
//
// Publishing a block.
#include <algorithm>
#include <cstring>
#include <mutex>

#include "code/change.h"
#include "code/code.h"
#include "code/description.h"
#include "code/listener.h"
#include "code/validate.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "memory/barriers.h"

namespace mtetso {

namespace {

// Grows by doubling: reserve(size + 1) alone would copy at every call.
template <typename T>
void room_for_one(std::vector<T>& vector) {
  if (vector.size() == vector.capacity()) vector.reserve(2 * vector.size() + 8);
}

}  // namespace

// A complete tier starts a segment of its own, as large as it is.
Code::Placement Code::find_place(size_t bytes, Span span) const {
  const bool complete = span == Span::Complete;
  for (const auto& one : segments_)
    if (auto segment = complete ? nullptr : one.lock())
      if (const size_t offset = segment->next(bytes); offset != SIZE_MAX)
        return {std::move(segment), offset};
  auto fresh =
      CodeSegment::create(complete ? bytes : std::max(bytes, CodeSegment::kDefaultCapacity));
  if (fresh == nullptr) throw CodeError("no memory for translated code");
  return {std::move(fresh), 0};
}

void Code::reserve(size_t entries) {
  std::erase_if(segments_, [](const auto& one) { return one.expired(); });
  room_for_one(blocks_);
  room_for_one(segments_);
  retired_.reserve(blocks_.capacity());
  entries_.reserve(entries);
  code_description().reserve();
}

void Code::insert_in_maps(const CodeBlock* block) {
  if (!map_.insert(block)) throw CodeError("translated code overlaps other code");
  try {
    if (process_code_map().insert(block)) return;
  } catch (...) {
    map_.remove(block);
    throw;
  }
  map_.remove(block);
  throw CodeError("translated code overlaps other code");
}

const CodeBlock* Code::commit(uint32_t block_kind, uint32_t tier, CompiledCode&& code,
                              const CodeBlock* supersedes, Span span) {
  const CompiledCode taken = std::move(code);
  std::lock_guard hold(code_lock());
  const CodeBlock* block = commit_locked(block_kind, tier, taken, supersedes, span);
  renew_exports(*block);
  return block;
}

const CodeBlock* Code::commit_locked(uint32_t block_kind, uint32_t tier, const CompiledCode& code,
                                     const CodeBlock* supersedes, Span span) {
  if (const char* wrong = find_fault(code, code_description().functions())) throw CodeError(wrong);
  const size_t bytes = code.words.size() * sizeof(uint32_t);
  Placement place = find_place(bytes, span);
  // The words are beyond the segment's cursor until it is moved: nothing refers to them.
  uint8_t* written = place.segment->write_base() + place.offset;
  std::memcpy(written, code.words.data(), bytes);
  auto block = build(block_kind, tier, code, std::move(place));
  fix(code, *block, written);
  clean_code(written, reinterpret_cast<const void*>(block->base()), bytes);
  reserve(code.entries.size());
  block->record.state = MTEDBG_BlockState_Published;
  block->record.supersedes = supersedes == nullptr ? 0 : supersedes->record.id;
  block->record.generation = code_description().next_generation();
  point(Point::CommitBuilt);

  const CodeMapChange change(MTEDBG_Operation_InsertBlock, block->record.id);
  point(Point::CommitJournal);
  insert_in_maps(block.get());
  blocks_.push_back(std::move(block));  // from here on nothing can fail
  point(Point::CommitMapped);
  publish(blocks_.back().get(), code, supersedes);
  return blocks_.back().get();
}

// The debug root before the entries: no thread runs code that a debugger cannot find.
void Code::publish(CodeBlock* block, const CompiledCode& code, const CodeBlock* supersedes) {
  CodeDescription& shown = code_description();
  CodeSegment& segment = *block->segment;
  segment.take(block->base() - segment.base(), block->record.length);
  if (segment.shown) {
    shown.publish_segment(segment);
  } else {
    segments_.push_back(block->segment);
    shown.add_segment(segment);
  }
  if (block->record.kind == MTEDBG_BlockKind_SharedStubs)
    records_->set_shared_stubs(block->record.id);
  shown.insert(*block);
  if (const auto replaced = own(supersedes)) shown.supersede(*replaced, block->record.id);
  tell_added(*block, name_);
  point(Point::CommitDescribed);
  synchronize_cores();  // the words are new to every core's instruction stream
  for (const CompiledEntry& entry : code.entries) {
    // Code of a lower tier that took longer to compile does not replace better code.
    const uintptr_t there = entries_.find(entry.guest_rip);
    const CodeBlock* holder = there == 0 ? nullptr : map_.lookup(there);
    if (holder == nullptr || holder->record.tier <= block->record.tier)
      entries_.set(entry.guest_rip, block->base() + entry.offset);
  }
  publish_functions(*block);
  point(Point::CommitEntered);
  record(nullptr, {.event = MTEDBG_Event_TierCommit,
                   .address = block->base(),
                   .old_value = block->record.id,
                   .new_value = block->record.tier});
}

// Updates the records of the functions of a new block, and where they are entered from now on.
void Code::publish_functions(const CodeBlock& block) {
  CodeDescription& shown = code_description();
  for (const mtedbg_Range& range : block.ranges) {
    const mtedbg_Function* function = shown.function(range.function);
    if (range.kind != MTEDBG_RangeKind_Function || function == nullptr) continue;
    if (function->best_tier > block.record.tier) continue;
    mtedbg_Function record = *function;
    record.block = block.record.id;
    record.best_tier = block.record.tier;
    record.tier_state = MTEDBG_TierState_Committed;
    shown.change_function(record);
    TierSlot* at = slot(range.function);
    const uintptr_t host = entries_.find(record.guest_begin);
    if (at == nullptr || !block.holds(host)) continue;
    at->best.store(host, std::memory_order_release);
    if (block.record.tier > MTEDBG_Tier_Baseline) at->better.store(host, std::memory_order_release);
  }
}

}  // namespace mtetso
