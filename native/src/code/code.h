// SPDX-License-Identifier: MIT
//
// Code: owns every block of one guest program. It takes finished words from the translator, gives
// them a place, builds all metadata, and only then publishes them: to the map that the fault
// handler asks, to the entry table that the dispatcher asks, to the debug root.
#pragma once

#include <cstdint>
#include <memory>
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
  // Retires what is still there: the process's map and the debug root outlive this.
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  // Makes a guest function known; returns its index, for CompiledRange::function.
  uint32_t add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end);

  // Says what the compiler is at with a function (MTEDBG_TierState_*); commit() says Committed.
  void set_tier_state(uint32_t function, uint32_t tier_state);

  // Publishes `code` as one block. `block_kind` is MTEDBG_BlockKind_*, `tier` MTEDBG_Tier_*.
  // `supersedes`: the block that this one replaces for its functions and entries, which stays
  // valid until retire(). Throws CodeError or bad_alloc and leaves everything as it was.
  const CodeBlock* commit(uint32_t block_kind, uint32_t tier, CompiledCode&& code,
                          const CodeBlock* supersedes = nullptr);

  // Takes a block out of every look-up and of the entries, and shows it among the last retired
  // ones with the reason. Threads may still be in it: its memory stays, readable and executable.
  // Throws bad_alloc and leaves everything as it was.
  void retire(const CodeBlock* block, std::string_view reason);

  // The host address at which translated code of `guest_rip` is entered; 0 where there is none.
  // Takes no lock.
  uintptr_t entry(uint64_t guest_rip) const { return entries_.find(guest_rip); }

  // The block of this Code that holds `pc`, null where none does. Takes no lock.
  const CodeBlock* lookup(uintptr_t pc) const { return map_.lookup(pc); }

  // All blocks ever committed, in order; the shared stubs come first.
  const std::vector<std::unique_ptr<CodeBlock>>& blocks() const { return blocks_; }

 private:
  struct Place {
    std::shared_ptr<CodeSegment> segment;
    size_t offset = 0;
    bool fresh = false;  // the segment is new
  };

  Place find_place(size_t bytes) const;
  std::unique_ptr<CodeBlock> build(uint32_t kind, uint32_t tier, const CompiledCode& code,
                                   const Place& place) const;
  void reserve(size_t entries);
  void insert_in_maps(const CodeBlock* block);
  void publish(const Place& place, CodeBlock* block, const CompiledCode& code,
               const CodeBlock* supersedes);

  // Everything below is changed under code_lock() only.
  std::vector<std::unique_ptr<CodeBlock>> blocks_;
  std::vector<std::shared_ptr<CodeSegment>> segments_;
  CodeBlockMap map_;
  EntryMap entries_;
};

}  // namespace mtetso
