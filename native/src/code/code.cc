// SPDX-License-Identifier: MIT
#include "code/code.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "code/description.h"
#include "code/sections.h"
#include "code/validate.h"
#include "debug/arena.h"
#include "debug/crc.h"
#include "debug/journal.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_block{1};
std::atomic<uint64_t> g_next_memop{1};

std::span<mtedbg_Range> build_ranges(const CompiledCode& code) {
  auto ranges = arena_array<mtedbg_Range>(code.ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    const CompiledRange& from = code.ranges[i];
    ranges[i] = {.begin = from.begin,
                 .end = from.end,
                 .kind = from.kind,
                 .function = from.function,
                 .guest_rip = from.guest_rip,
                 .callee_block = 0,
                 .symbol = from.symbol.empty() ? 0 : address_of(arena_string(from.symbol)),
                 .symbol_length = static_cast<uint32_t>(from.symbol.size()),
                 .reserved = 0};
  }
  return ranges;
}

std::span<mtedbg_Memop> build_memops(const CompiledCode& code, uint64_t base, uint64_t block) {
  auto memops = arena_array<mtedbg_Memop>(code.memops.size());
  for (size_t i = 0; i < memops.size(); ++i) {
    const CompiledMemop& from = code.memops[i];
    mtedbg_Memop& memop = memops[i];
    memop.id = g_next_memop++;
    memop.address = base + from.access_offset;
    memop.tag_address = base + from.tag_offset;
    memop.block = block;
    memop.guest_rip = from.guest_rip;
    memop.access = from.access;
    memop.size = from.size;
    memop.mode = from.mode;
  }
  return memops;
}

mtedbg_Journal journal_entry(uint32_t operation, uint64_t block) {
  mtedbg_Journal entry{};
  entry.operation = operation;
  entry.block = block;
  entry.generation = code_description().next_generation();
  return entry;
}

}  // namespace

Code::~Code() {
  for (const auto& block : blocks_) retire(block.get(), "its program is gone");
}

uint32_t Code::add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end) {
  const char* kept = arena_string(name);
  std::lock_guard hold(code_lock());
  CodeDescription& shown = code_description();
  shown.reserve();
  const uint32_t index = shown.add_function({.index = 0,
                                             .name_length = static_cast<uint32_t>(name.size()),
                                             .name = address_of(kept),
                                             .guest_begin = guest_begin,
                                             .guest_end = guest_end,
                                             .block = 0,
                                             .best_tier = MTEDBG_Tier_None,
                                             .tier_state = MTEDBG_TierState_Idle});
  shown.publish_functions();
  return index;
}

void Code::set_tier_state(uint32_t function, uint32_t tier_state) {
  std::lock_guard hold(code_lock());
  mtedbg_Function* known = code_description().function(function);
  if (known == nullptr) return;
  code_description().reserve();
  known->tier_state = tier_state;
  code_description().publish_functions();
}

Code::Place Code::find_place(size_t bytes) const {
  for (const auto& segment : segments_)
    if (const size_t offset = segment->next(bytes); offset != SIZE_MAX)
      return {segment, offset, false};
  auto fresh = CodeSegment::create(std::max(bytes, CodeSegment::kDefaultCapacity));
  if (fresh == nullptr) throw CodeError("no memory for translated code");
  return {std::move(fresh), 0, true};
}

// Everything about the block that a reader may follow; none of it can be reached yet.
std::unique_ptr<CodeBlock> Code::build(uint32_t kind, uint32_t tier, const CompiledCode& code,
                                       const Place& place) const {
  auto block = std::make_unique<CodeBlock>();
  mtedbg_Block& record = block->record;
  record.id = g_next_block++;
  record.base = place.segment->base() + place.offset;
  record.length = code.words.size() * sizeof(uint32_t);
  record.segment = place.segment->id();
  record.kind = kind;
  record.tier = tier;
  record.state = MTEDBG_BlockState_Building;
  block->segment = place.segment;
  block->ranges = build_ranges(code);
  block->memops = build_memops(code, record.base, record.id);
  block->aborts =
      describe_sections(code, record.base, block->memops,
                        reinterpret_cast<uint32_t*>(place.segment->write_base() + place.offset));
  block->functions = FuncToCodeRange(block->ranges);
  record.ranges = address_of(block->ranges.data());
  record.range_count = static_cast<uint32_t>(block->ranges.size());
  record.ranges_checksum = crc32(block->ranges.data(), block->ranges.size_bytes());
  record.memops = address_of(block->memops.data());
  record.memop_count = static_cast<uint32_t>(block->memops.size());
  return block;
}

void Code::reserve(size_t entries) {
  blocks_.reserve(blocks_.size() + 1);
  segments_.reserve(segments_.size() + 1);
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
                              const CodeBlock* supersedes) {
  const CompiledCode taken = std::move(code);
  std::lock_guard hold(code_lock());
  if (const char* wrong = find_fault(taken, code_description().functions())) throw CodeError(wrong);
  const size_t bytes = taken.words.size() * sizeof(uint32_t);
  const Place place = find_place(bytes);
  // The words lie beyond the segment's cursor until it is moved: nobody knows of them.
  uint8_t* written = place.segment->write_base() + place.offset;
  std::memcpy(written, taken.words.data(), bytes);
  auto block = build(block_kind, tier, taken, place);
  clean_code(written, reinterpret_cast<const void*>(block->base()), bytes);
  reserve(taken.entries.size());
  block->record.state = MTEDBG_BlockState_Published;
  block->record.supersedes = supersedes == nullptr ? 0 : supersedes->record.id;
  block->record.generation = code_description().next_generation();

  point(Point::CommitBuilt);
  open_journal(JournalSlot::CodeMap, journal_entry(MTEDBG_Operation_InsertBlock, block->record.id));
  point(Point::CommitJournal);
  try {
    insert_in_maps(block.get());
  } catch (...) {
    close_journal(JournalSlot::CodeMap);
    throw;
  }
  blocks_.push_back(std::move(block));  // from here on nothing can fail
  point(Point::CommitMapped);
  publish(place, blocks_.back().get(), taken, supersedes);
  close_journal(JournalSlot::CodeMap);
  return blocks_.back().get();
}

// The debug root before the entries: no thread runs code that a debugger cannot name.
void Code::publish(const Place& place, CodeBlock* block, const CompiledCode& code,
                   const CodeBlock* supersedes) {
  CodeDescription& shown = code_description();
  place.segment->take(place.offset, block->record.length);
  if (place.fresh) {
    segments_.push_back(place.segment);
    shown.add_segment(place.segment);
  }
  shown.publish_segments();
  if (supersedes != nullptr) shown.supersede(supersedes->record.id, block->record.id);
  shown.insert(block->record);
  for (const mtedbg_Range& range : block->ranges) {
    mtedbg_Function* function = shown.function(range.function);
    if (range.kind != MTEDBG_RangeKind_Function || function == nullptr) continue;
    function->block = block->record.id;
    function->best_tier = std::max(function->best_tier, block->record.tier);
    function->tier_state = MTEDBG_TierState_Committed;
  }
  shown.publish_functions();
  point(Point::CommitDescribed);
  synchronize_cores();  // the words are new to every core's instruction stream
  for (const CompiledEntry& entry : code.entries)
    entries_.set(entry.guest_rip, block->base() + entry.offset);
  point(Point::CommitEntered);
  record(nullptr, {.event = MTEDBG_Event_TierCommit,
                   .address = block->base(),
                   .old_value = block->record.id,
                   .new_value = block->record.tier});
}

void Code::retire(const CodeBlock* block, std::string_view reason) {
  const char* kept = arena_string(reason);
  std::lock_guard hold(code_lock());
  code_description().reserve();
  open_journal(JournalSlot::CodeMap, journal_entry(MTEDBG_Operation_RetireBlock, block->record.id));
  entries_.erase_range(block->base(), block->end());
  process_code_map().remove(block);
  map_.remove(block);
  code_description().retire(block->record.id, kept, static_cast<uint32_t>(reason.size()));
  close_journal(JournalSlot::CodeMap);
}

}  // namespace mtetso
