// SPDX-License-Identifier: MIT
#include "code/description.h"

#include <algorithm>

#include "debug/root.h"

namespace mtetso {
namespace {

bool below(const mtedbg_Block& a, const mtedbg_Block& b) { return a.base < b.base; }

// Grows by doubling, as push_back would: reserve(size + 1) alone would copy at every call.
template <typename T>
void room_for_one(std::vector<T>& vector) {
  if (vector.size() == vector.capacity()) vector.reserve(2 * vector.size() + 8);
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
  room_for_one(blocks_);
  room_for_one(segments_);
  room_for_one(segment_records_);
  room_for_one(functions_);
  room_for_one(codes_);
  retired_.reserve(kRetiredKept + 1);
  root.codes.reserve(codes_.size() + 1);
  root.code_map.reserve(blocks_.size() + 1);
  root.segments.reserve(segments_.size() + 1);
  root.functions.reserve(functions_.size() + 1);
  root.retired.reserve(kRetiredKept + 1);
}

uint64_t CodeDescription::next_generation() const {
  return debug_root().code_map.abi().published + 1;
}

void CodeDescription::publish_code_map() { debug_root().code_map.publish(blocks_); }

void CodeDescription::insert(const mtedbg_Block& block) {
  blocks_.insert(std::lower_bound(blocks_.begin(), blocks_.end(), block, below), block);
  publish_code_map();
}

void CodeDescription::supersede(uint64_t block, uint64_t by) {
  for (mtedbg_Block& one : blocks_)
    if (one.id == block) one.superseded_by = by;
}

void CodeDescription::retire(uint64_t block, const char* reason, uint32_t reason_length) {
  const auto at = std::find_if(blocks_.begin(), blocks_.end(),
                               [&](const mtedbg_Block& one) { return one.id == block; });
  if (at == blocks_.end()) return;
  mtedbg_Block record = *at;
  record.state = MTEDBG_BlockState_Retired;
  record.reason = reinterpret_cast<uintptr_t>(reason);
  record.reason_length = reason_length;
  retired_.push_back(record);
  if (retired_.size() > kRetiredKept) retired_.erase(retired_.begin());
  // First published as retired, then removed from the map: at every instruction it is in one of
  // them.
  debug_root().retired.publish(retired_);
  blocks_.erase(at);
  publish_code_map();
}

void CodeDescription::add_segment(std::shared_ptr<const CodeSegment> segment) {
  segments_.push_back(std::move(segment));
  segment_records_.resize(segments_.size());
}

void CodeDescription::publish_segments() {
  for (size_t i = 0; i < segments_.size(); ++i) {
    const CodeSegment& one = *segments_[i];
    segment_records_[i] = {.id = one.id(),
                           .base = one.base(),
                           .write_base = reinterpret_cast<uintptr_t>(one.write_base()),
                           .capacity = one.capacity(),
                           .used = one.used(),
                           .blocks = one.blocks(),
                           .references = static_cast<uint32_t>(segments_[i].use_count())};
  }
  debug_root().segments.publish(segment_records_);
}

void CodeDescription::remove_segment(uint64_t id) {
  for (mtedbg_Block& block : retired_)
    if (block.segment == id) block.state = MTEDBG_BlockState_Unmapped;
  debug_root().retired.publish(retired_);
  std::erase_if(segments_, [&](const auto& one) { return one->id() == id; });
  segment_records_.resize(segments_.size());
  publish_segments();
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
  for (mtedbg_Function& one : functions_) {
    if (one.code != id) continue;
    one.block = 0;
    one.best_tier = MTEDBG_Tier_None;
    one.tier_state = MTEDBG_TierState_Idle;
  }
  debug_root().codes.publish(codes_);
  publish_functions();
}

uint32_t CodeDescription::add_function(const mtedbg_Function& function) {
  functions_.push_back(function);
  functions_.back().index = static_cast<uint32_t>(functions_.size() - 1);
  return functions_.back().index;
}

mtedbg_Function* CodeDescription::function(uint32_t index) {
  return index < functions_.size() ? &functions_[index] : nullptr;
}

void CodeDescription::publish_functions() { debug_root().functions.publish(functions_); }

}  // namespace mtetso
