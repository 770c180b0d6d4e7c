// SPDX-License-Identifier: MIT
//
// What the translator hands to the code manager: finished words and their metadata. None of it
// depends on where the words will be placed; every offset is in bytes from their start.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mtetso {

// A part of a block that has a name: a function, a stub, a thunk.
struct CompiledRange {
  uint32_t begin = 0;  // offset, inclusive
  uint32_t end = 0;    // offset, exclusive
  uint32_t kind = 0;   // MTEDBG_RangeKind_*
  uint32_t function = kNoFunction;
  uint64_t guest_rip = 0;
  std::string symbol;
  uint64_t callee_block = 0;  // of a stub: the id of the block that it enters

  static constexpr uint32_t kNoFunction = UINT32_MAX;
};

// One guest memory access: the tag insert [1] and the access [2].
struct CompiledMemop {
  uint32_t tag_offset = kNone;  // kNone: the memop has no tag insert
  uint32_t access_offset = 0;
  uint64_t guest_rip = 0;
  uint32_t access = 0;  // MTEDBG_Access_*
  uint32_t size = 0;    // bytes
  uint32_t mode = 0;    // MTEDBG_Mode_*
  // With an rseq core id: where reading it begins, and the abort handler of the critical section.
  uint32_t begin_offset = kNone;
  uint32_t abort_offset = kNone;
  uint32_t pinned = 0;          // 1: a profile pinned it; it stays in this mode
  uint32_t out_offset = kNone;  // its out-of-line form (code/memop_words.h), if it has one
  uint32_t counter = kNone;     // which of `counters` is its executions, if they are counted

  static constexpr uint32_t kNone = UINT32_MAX;
};

// A guest address at which translated code can be entered: block leaders and return sites.
struct CompiledEntry {
  uint64_t guest_rip = 0;
  uint32_t offset = 0;
};

// Three words, MOVZ and two MOVK of one register, that get the address of a function's tier slot
// (code/tier_slot.h) when the code is placed. User addresses have 48 bits.
struct CompiledFixup {
  uint32_t offset = 0;
  uint32_t function = 0;
};

// Guest addresses [begin, end).
struct GuestExtent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// A finished piece of translation: one stub, one function, or a whole tier.
struct CompiledCode {
  std::vector<uint32_t> words;
  std::vector<CompiledRange> ranges;   // sorted by begin, disjoint
  std::vector<CompiledMemop> memops;   // sorted by access_offset
  std::vector<CompiledEntry> entries;  // sorted by guest_rip
  std::vector<CompiledFixup> fixups;
  // Whose bytes it was made from, sorted, disjoint: when they change, it is wrong. Empty: none.
  std::vector<GuestExtent> sources;
  // Of each counter, where the three words are that get its address when the code is placed: MOVZ
  // and two MOVK. Code adds to a counter in one place.
  std::vector<uint32_t> counters;
};

}  // namespace mtetso
