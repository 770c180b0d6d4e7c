// SPDX-License-Identifier: MIT
#include "code/description.h"

#include <algorithm>

#include "debug/root.h"

namespace mtetso {
namespace {

// Grows by doubling, as push_back would: reserve(size + 1) alone would copy at every call.
template <typename T>
void room_for(std::vector<T>& vector, size_t count) {
  if (count > vector.capacity()) vector.reserve(2 * count + 8);
}

Bounds bounds_of(const mtedbg_Block& block) { return {block.base, block.base + block.length}; }

// Puts `record` where one was taken away, else behind the others; returns the slot.
template <typename T>
uint64_t put(PublishedSlots<T>& slots, std::vector<uint64_t>& free, const T& record,
             const Bounds& bounds) {
  if (free.empty()) return slots.append(record, bounds);
  const uint64_t slot = free.back();
  free.pop_back();
  slots.change(slot, record, bounds);
  return slot;
}

}  // namespace

std::mutex& code_lock() {
  static std::mutex& the = *new std::mutex;
  return the;
}

CodeDescription& code_description() {
  static CodeDescription& the = *new CodeDescription;
  return the;
}

void CodeDescription::reserve() {
  DebugRoot& root = debug_root();
  room_for(free_, root.code_map.count() + 1);
  room_for(free_segments_, root.segments.count() + 1);
  room_for(segments_, segments_.size() + 1);
  room_for(functions_, functions_.size() + 1);
  room_for(codes_, codes_.size() + 1);
  retired_.reserve(kRetiredKept + 1);
  root.codes.reserve(codes_.size() + 1);
  root.code_map.reserve();
  root.segments.reserve();
  root.functions.reserve();
  root.retired.reserve(kRetiredKept + 1);
}

uint64_t CodeDescription::next_generation() const {
  return debug_root().code_map.abi().published + 1;
}

void CodeDescription::insert(const CodeBlock& block) {
  block.shown = put(debug_root().code_map, free_, block.record, bounds_of(block.record));
}

void CodeDescription::supersede(const CodeBlock& block, uint64_t by) {
  mtedbg_Block record = debug_root().code_map.at(block.shown);
  if (record.id != block.record.id) return;  // retired already
  record.superseded_by = by;
  debug_root().code_map.change(block.shown, record, bounds_of(record));
}

void CodeDescription::retire(const CodeBlock& block, const char* reason, uint32_t reason_length) {
  mtedbg_Block record = debug_root().code_map.at(block.shown);
  if (record.id != block.record.id) return;
  record.state = MTEDBG_BlockState_Retired;
  record.reason = reinterpret_cast<uintptr_t>(reason);
  record.reason_length = reason_length;
  retired_.push_back(record);
  if (retired_.size() > kRetiredKept) retired_.erase(retired_.begin());
  // First published as retired, then removed from the map: at every instruction it is in one of
  // them.
  debug_root().retired.publish(retired_);
  debug_root().code_map.remove(block.shown);
  free_.push_back(block.shown);
}

mtedbg_Segment CodeDescription::ShownSegment::record() const {
  return {.id = segment->id(),
          .base = segment->base(),
          .write_base = reinterpret_cast<uintptr_t>(segment->write_base()),
          .capacity = segment->capacity(),
          .used = segment->used(),
          .blocks = segment->blocks(),
          .references = static_cast<uint32_t>(segment.use_count())};
}

void CodeDescription::add_segment(std::shared_ptr<const CodeSegment> segment) {
  segments_.push_back({std::move(segment), 0});
  segments_.back().slot =
      put(debug_root().segments, free_segments_, segments_.back().record(), Bounds{});
}

// The newest ones are last, and mostly meant.
void CodeDescription::publish_segment(uint64_t id) {
  const auto at = std::find_if(segments_.rbegin(), segments_.rend(),
                               [&](const ShownSegment& one) { return one.segment->id() == id; });
  if (at != segments_.rend()) debug_root().segments.change(at->slot, at->record());
}

void CodeDescription::remove_segment(uint64_t id) {
  for (mtedbg_Block& block : retired_)
    if (block.segment == id) block.state = MTEDBG_BlockState_Unmapped;
  debug_root().retired.publish(retired_);
  std::erase_if(segments_, [&](const ShownSegment& one) {
    if (one.segment->id() != id) return false;
    debug_root().segments.remove(one.slot);
    free_segments_.push_back(one.slot);
    return true;
  });
}

void CodeDescription::add_code(const mtedbg_Code& code) {
  reserve();
  codes_.push_back(code);
  debug_root().codes.publish(codes_);
}

void CodeDescription::set_shared_stubs(uint64_t code, uint64_t block) {
  for (mtedbg_Code& one : codes_)
    if (one.id == code) one.shared_stubs = block;
  debug_root().codes.publish(codes_);
}

void CodeDescription::remove_code(uint64_t id) {
  std::erase_if(codes_, [&](const mtedbg_Code& one) { return one.id == id; });
  debug_root().codes.publish(codes_);
  for (mtedbg_Function& one : functions_) {
    if (one.code != id) continue;
    one.block = 0;
    one.best_tier = MTEDBG_Tier_None;
    one.tier_state = MTEDBG_TierState_Idle;
    publish_function(one.index);
  }
}

uint32_t CodeDescription::add_function(const mtedbg_Function& function) {
  functions_.push_back(function);
  functions_.back().index = static_cast<uint32_t>(functions_.size() - 1);
  debug_root().functions.append(functions_.back());
  return functions_.back().index;
}

mtedbg_Function* CodeDescription::function(uint32_t index) {
  return index < functions_.size() ? &functions_[index] : nullptr;
}

void CodeDescription::publish_function(uint32_t index) {
  debug_root().functions.change(index, functions_[index]);
}

}  // namespace mtetso
