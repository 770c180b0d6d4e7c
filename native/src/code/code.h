// SPDX-License-Identifier: MIT
//
// Code: owns every block of one guest program. It takes finished words from the translator, places
// them, builds all metadata, and only then publishes them: in the map of the fault handler, in the
// entry table of the dispatcher, in the debug root.
//
// The life of a block
//
//   built       commit(): words and records are complete, no thread can reach them
//   published   in both maps and the debug root, then entered
//   retired     retire(): nothing leads there any more, but threads may still be in it: its words
//               can be run, a fault in it is handled as any other, the debug root has the reason
//   unmapped    reclaim(): no thread can be in it, and it was the last user of its segment
//   gone        the debug root lists it no more: its records are given back
//
// Blocks of every kind are in one vector: shared stubs (of no tier, made first), complete tiers,
// code of single functions, lazy entry stubs of any tier.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "code/block.h"
#include "code/block_map.h"
#include "code/code_records.h"
#include "code/entry_map.h"
#include "code/segment.h"
#include "compiled.h"

namespace mtetso {

// No memory for code, or inconsistent CompiledCode. Nothing was changed.
struct CodeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A stub through which native code calls a guest function.
struct EntryStub {
  uint64_t guest_rip = 0;
  uintptr_t target = 0;  // host entry, in the best tier at present
  uint32_t function = CompiledRange::kNoFunction;
  std::string symbol;
};

// Whether a block has all functions of its program, or some. A complete tier gets a segment of its
// own, so that its memory can be freed with it.
enum class Span { Partial, Complete };

class Code {
 public:
  // Makes the words of an entry stub; called under code_lock().
  using StubMaker = std::function<CompiledCode(const EntryStub&)>;

  explicit Code(const CodeIdentity& identity = {}, StubMaker make_stub = {});
  // Retires what is still published: the process's map and the debug root outlive this. No thread
  // may be in its code, or enter it.
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  // Registers a guest function; returns its index, for CompiledRange::function. `ticks`: of
  // baseline code until it requests a better tier.
  uint32_t add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end,
                        int32_t ticks = INT32_MAX);
  // The same for many; their indices ascend. Throws bad_alloc.
  std::vector<uint32_t> add_functions(std::span<const FunctionIdentity> functions,
                                      int32_t ticks = INT32_MAX);
  // Null for an index that does not belong to this Code.
  TierSlot* slot(uint32_t function) const { return records_->slot(function); }

  // Sets the compiler's state for some functions (MTEDBG_TierState_*); commit() sets Committed.
  void set_tier_states(std::span<const uint32_t> functions, uint32_t tier_state);
  // The state that was set last; Idle if there is no such function.
  uint32_t tier_state(uint32_t function) const;
  // MTEDBG_Tier_*; None if there is no such function.
  uint32_t best_tier(uint32_t function) const;

  // Publishes `code` as one block. `block_kind` is MTEDBG_BlockKind_*, `tier` MTEDBG_Tier_*.
  // `supersedes`: the block that this one replaces for its functions and entries, which stays
  // valid until retire(). Functions that were exported get stubs into the new block, if its tier
  // is higher. Throws CodeError or bad_alloc and leaves everything as it was.
  const CodeBlock* commit(uint32_t block_kind, uint32_t tier, CompiledCode&& code,
                          const CodeBlock* supersedes = nullptr, Span span = Span::Partial);

  // The address at which native code calls `guest_rip`: of a stub that is made at the first call;
  // 0 if no code is entered at that address. Stubs are never removed: they may be called as long as
  // this Code lives. Throws CodeError or bad_alloc.
  uintptr_t export_function(uint64_t guest_rip);

  // Removes a block, which was not reclaimed, from the entries, this Code's map and the code map
  // that debuggers see, and lists it as retired, with the reason. Threads may still be in it.
  // Throws bad_alloc and leaves everything as it was.
  void retire(const CodeBlock* block, std::string_view reason);

  // Retires the published blocks that were made from the guest's bytes in [begin, end), which have
  // changed or gone. Returns their number. Throws bad_alloc.
  size_t retire_made_from(uint64_t begin, uint64_t end, std::string_view reason);

  // Retires all published blocks.
  void retire_all(std::string_view reason);

  // The number of retired blocks that can be reclaimed at some time.
  size_t retired() const;

  // Lets go of retired blocks that no thread can be in: those retired before `epoch` (see
  // epochs.h). A segment is unmapped with its last block; a block's records are freed when the
  // debug root lists it no more. Returns the number of blocks. `last` is called with each before it
  // is deleted, with code_lock() held. Throws bad_alloc.
  size_t reclaim(
      uint64_t epoch, const std::function<void(const CodeBlock&)>& last = [](const CodeBlock&) {});

  // The host address at which translated code of `guest_rip` is entered; 0 if there is none.
  // Takes no lock.
  uintptr_t entry(uint64_t guest_rip) const { return entries_.find(guest_rip); }

  // The block of this Code that holds `pc`; null if there is none. Takes no lock.
  const CodeBlock* lookup(uintptr_t pc) const { return map_.lookup(pc); }

  // Calls `visit` with each block that is published or retired and not reclaimed, in the order of
  // their commits; the shared stubs come first. Holds code_lock().
  void visit(const std::function<void(const CodeBlock&)>& visit) const;

  // The same, for callers that know that no block is committed at the same time.
  const std::vector<std::shared_ptr<CodeBlock>>& blocks() const { return blocks_; }

  uint64_t id() const { return id_; }

 private:
  size_t retire_where(const std::function<bool(const CodeBlock&)>& chosen, std::string_view reason);

  struct Placement {
    std::shared_ptr<CodeSegment> segment;
    size_t offset = 0;
  };
  // Both are published: an export goes with the first of them that is retired.
  struct ExportedFunction {
    const CodeBlock* stub = nullptr;
    const CodeBlock* callee = nullptr;  // that the stub enters
    uint32_t function() const {
      return stub->ranges.empty() ? CompiledRange::kNoFunction : stub->ranges.front().function;
    }
  };
  struct RetiredBlock {
    const CodeBlock* block;
    uint64_t epoch;
  };

  // All of these with code_lock() held.
  const CodeBlock* commit_locked(uint32_t block_kind, uint32_t tier, const CompiledCode& code,
                                 const CodeBlock* supersedes, Span span);
  Placement find_place(size_t bytes, Span span) const;
  std::shared_ptr<CodeBlock> build(uint32_t kind, uint32_t tier, const CompiledCode& code,
                                   Placement&& place) const;
  void fix(const CompiledCode& code, const CodeBlock& block, uint8_t* written) const;
  void reserve(size_t entries);
  void insert_in_maps(const CodeBlock* block);
  void publish(CodeBlock* block, const CompiledCode& code, const CodeBlock* supersedes);
  // The block with this address, to be changed; null if it is not there.
  std::shared_ptr<CodeBlock> own(const CodeBlock* block) const;
  void publish_functions(const CodeBlock& block);
  EntryStub stub_for(uint64_t guest_rip, const CodeBlock& callee) const;
  const ExportedFunction& make_export(uint64_t guest_rip, const CodeBlock& callee);
  void renew_exports(const CodeBlock& better);
  void retire_locked(const std::shared_ptr<CodeBlock>& retired, std::string_view reason);
  void hide(const CodeBlock* block);
  void forget(CodeBlock& block);

  const uint64_t id_;
  const std::string name_;
  const StubMaker make_stub_;
  // Everything below is changed under code_lock() only.
  std::shared_ptr<CodeRecords> records_;
  std::vector<std::shared_ptr<CodeBlock>> blocks_;    // sorted by their ids
  std::vector<std::weak_ptr<CodeSegment>> segments_;  // of its blocks, to which they belong
  std::vector<RetiredBlock> retired_;
  std::map<uint64_t, ExportedFunction> exports_;  // by guest RIP
  CodeBlockMap map_;
  EntryMap entries_;
};

}  // namespace mtetso
