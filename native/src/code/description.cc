// SPDX-License-Identifier: MIT
#include "code/description.h"

#include <utility>

#include "debug/root.h"

namespace mtetso {
namespace {

Bounds bounds_of(const mtedbg_Block& block) { return {block.base, block.base + block.length}; }

mtedbg_Segment record_of(const CodeSegment& segment) {
  return {.id = segment.id(),
          .base = segment.base(),
          .write_base = reinterpret_cast<uintptr_t>(segment.write_base()),
          .capacity = segment.capacity(),
          .used = segment.used(),
          .blocks = segment.blocks(),
          .references = segment.references()};
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
  retired_.reserve(kRetiredKept + 1);
  copies_.reserve(kRetiredKept);
  DebugRoot& root = debug_root();
  root.codes.reserve();
  root.code_map.reserve();
  root.segments.reserve();
  root.functions.reserve();
  root.retired.reserve(kRetiredKept);
}

uint64_t CodeDescription::next_generation() const {
  return debug_root().code_map.abi().published + 1;
}

void CodeDescription::insert(CodeBlock& block) {
  block.shown = debug_root().code_map.add(block.record, bounds_of(block.record));
}

void CodeDescription::supersede(CodeBlock& block, uint64_t by) {
  if (block.record.state != MTEDBG_BlockState_Published) return;  // retired already
  block.record.superseded_by = by;
  debug_root().code_map.change(block.shown, block.record, bounds_of(block.record));
}

void CodeDescription::publish_retired() {
  copies_.clear();
  for (const auto& block : retired_) copies_.push_back(block->record);
  debug_root().retired.publish(copies_);
}

void CodeDescription::retire(std::shared_ptr<CodeBlock> block, std::string_view reason) {
  block->record.state = MTEDBG_BlockState_Retired;
  block->record.reason = address_of(reason.data());
  block->record.reason_length = static_cast<uint32_t>(reason.size());
  const uint64_t slot = block->shown;
  std::shared_ptr<CodeBlock> dropped;
  if (retired_.size() == kRetiredKept) {
    dropped = std::move(retired_.front());
    retired_.erase(retired_.begin());
  }
  retired_.push_back(std::move(block));
  // First published as retired, then removed from the map: at every instruction it is in one of
  // them.
  publish_retired();
  dropped_ = std::move(dropped);
  debug_root().code_map.remove(slot);
}

void CodeDescription::add_segment(CodeSegment& segment) {
  segment.shown = debug_root().segments.add(record_of(segment));
}

void CodeDescription::publish_segment(const CodeSegment& segment) {
  debug_root().segments.change(*segment.shown, record_of(segment));
}

void CodeDescription::remove_segment(const CodeSegment& segment) {
  for (const auto& block : retired_)
    if (block->record.segment == segment.id()) block->record.state = MTEDBG_BlockState_Unmapped;
  publish_retired();
  dropped_.reset();
  debug_root().segments.remove(*segment.shown);
}

uint64_t CodeDescription::add_code(const mtedbg_Code& code) { return debug_root().codes.add(code); }

const mtedbg_Code& CodeDescription::code(uint64_t slot) const {
  return debug_root().codes.at(slot);
}

void CodeDescription::change_code(uint64_t slot, const mtedbg_Code& code) {
  debug_root().codes.change(slot, code);
}

void CodeDescription::remove_code(uint64_t slot) { debug_root().codes.remove(slot); }

uint32_t CodeDescription::next_function() const {
  return static_cast<uint32_t>(debug_root().functions.next());
}

void CodeDescription::add_function(const mtedbg_Function& function) {
  debug_root().functions.add(function);
}

// A record of zeros is of no Code: their ids begin at 1.
const mtedbg_Function* CodeDescription::function(uint32_t index) const {
  if (index >= debug_root().functions.count()) return nullptr;
  const mtedbg_Function& found = debug_root().functions.at(index);
  return found.code == 0 ? nullptr : &found;
}

void CodeDescription::change_function(const mtedbg_Function& function) {
  debug_root().functions.change(function.index, function);
}

void CodeDescription::remove_function(uint32_t index) { debug_root().functions.remove(index); }

uint32_t CodeDescription::functions() const {
  return static_cast<uint32_t>(debug_root().functions.count());
}

}  // namespace mtetso
