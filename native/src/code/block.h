// SPDX-License-Identifier: MIT
//
// One published piece of code and all that is known about it. The parts that a debugger reads are
// the mtedbg records themselves, in dumped memory; this object only points to them.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "code/func_to_range.h"
#include "code/segment.h"
#include "compiled.h"

namespace mtetso {

struct CodeBlock {
  mtedbg_Block record{};
  std::shared_ptr<CodeSegment> segment;
  std::span<const mtedbg_Range> ranges;  // sorted by begin
  std::span<mtedbg_Memop> memops;        // sorted by address; changed under the protocol's lock
  std::span<mtedbg_Memop*> aborts;       // those with an abort_address, sorted by it
  std::span<uint64_t> counters;          // that its code adds to, in the order of their places
  FuncToCodeRange functions;
  std::vector<GuestExtent> sources;  // sorted, disjoint
  // Changed under code_lock(), also of blocks that nobody changes otherwise.
  mutable uint32_t stubs = 0;  // entry stubs into it, which are never removed
  mutable uint64_t shown = 0;  // its slot in the code map of the debug root

  uintptr_t base() const { return record.base; }
  uintptr_t end() const { return record.base + record.length; }
  bool holds(uintptr_t pc) const { return pc - record.base < record.length; }

  // The memop whose access [2] is at `pc`; null if there is none. Takes no lock.
  mtedbg_Memop* memop_at(uintptr_t pc) const;
  // The memop whose out-of-line form has the word at `pc`; null if there is none. Takes no lock.
  mtedbg_Memop* memop_out_of_line(uintptr_t pc) const;
  // The memop of a fault that came with this PC: its access, its abort handler (fault/patch.h), or
  // a word of its out-of-line form.
  mtedbg_Memop* memop_of_fault(uintptr_t pc) const;
  // The range that holds `pc`; null in the padding between ranges.
  const mtedbg_Range* range_at(uintptr_t pc) const;
  // Whether it was made from bytes in the guest's [begin, end).
  bool made_from(uint64_t begin, uint64_t end) const;
  // Where the word executed at `pc` is written.
  uint32_t* writable(uintptr_t pc) const {
    return reinterpret_cast<uint32_t*>(segment->write_base() + (pc - segment->base()));
  }
};

}  // namespace mtetso
