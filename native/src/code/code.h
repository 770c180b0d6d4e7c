// SPDX-License-Identifier: MIT
//
// Code: owns every block of one guest program. It takes finished words from the translator, gives
// them a place, builds all metadata, and only then publishes them: to the map that the fault
// handler asks, to the entry table that the dispatcher asks, to the debug root.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "code/block.h"
#include "code/block_map.h"
#include "code/entry_map.h"
#include "code/segment.h"
#include "compiled.h"

namespace mtetso {

// No memory for code, or CompiledCode that contradicts itself. Nothing was changed.
struct CodeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Code {
 public:
  Code() = default;
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  // Makes a guest function known; returns its index, for CompiledRange::function.
  uint32_t add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end);

  // Says what the compiler is at with a function (MTEDBG_TierState_*); commit() says Committed.
  void set_tier_state(uint32_t function, uint32_t tier_state);

  // Publishes `code` as one block. `block_kind` is MTEDBG_BlockKind_*, `tier` MTEDBG_Tier_*.
  // `supersedes`: the block that this one replaces for its functions and entries, which stays
  // valid until retire(). Throws CodeError and leaves everything as it was.
  const CodeBlock* commit(uint32_t block_kind, uint32_t tier, CompiledCode&& code,
                          const CodeBlock* supersedes = nullptr);

  // Takes a block out of every look-up and keeps it, readable and executable, among the last
  // kRetiredKept, with the reason. No thread may be in it, or the caller must see to it that none
  // enters any more; its memory is not given back.
  void retire(const CodeBlock* block, std::string_view reason);

  // The host address at which translated code of `guest_rip` is entered; 0 where there is none.
  // Takes no lock.
  uintptr_t entry(uint64_t guest_rip) const { return entries_.find(guest_rip); }

  // The block of this Code that holds `pc`, null where none does. Takes no lock.
  const CodeBlock* lookup(uintptr_t pc) const { return map_.lookup(pc); }

  static constexpr size_t kRetiredKept = 64;

 private:
  struct Placement;
  Placement place(size_t bytes);
  std::unique_ptr<CodeBlock> build(uint32_t kind, uint32_t tier, const CompiledCode& code,
                                   const Placement& place, const CodeBlock* supersedes);
  void publish(CodeBlock* block, const CompiledCode& code);
  void describe_segments();

  std::mutex lock_;  // writers only
  std::vector<std::unique_ptr<CodeBlock>> blocks_;
  std::vector<std::shared_ptr<CodeSegment>> segments_;
  std::vector<const CodeBlock*> retired_;
  std::vector<mtedbg_Function> functions_;
  CodeBlockMap map_;
  EntryMap entries_;
};

}  // namespace mtetso
