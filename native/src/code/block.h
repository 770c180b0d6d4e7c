// SPDX-License-Identifier: MIT
//
// One published piece of code and all that is known about it. It owns its records, which a debugger
// reads: in dumped memory, given back with it. A block that is gone lives on without its segment as
// long as the debug root lists it as retired.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "code/code_records.h"
#include "code/func_to_range.h"
#include "code/segment.h"
#include "compiled.h"
#include "debug/arena.h"

namespace mtetso {

struct CodeBlock {
  mtedbg_Block record{};  // state, superseded_by and reason are changed under code_lock()
  std::shared_ptr<CodeSegment> segment;  // null once no thread can be in it
  std::span<const mtedbg_Range> ranges;  // sorted by begin
  std::span<mtedbg_Memop> memops;        // sorted by address; changed under the protocol's lock
  std::span<mtedbg_Memop*> aborts;       // those with an abort_address, sorted by it
  std::span<uint64_t> counters;          // that its code adds to, in the order of their places
  FuncToCodeRange functions;
  std::vector<GuestExtent> sources;     // sorted, disjoint
  std::vector<uint64_t> guest_entries;  // guest addresses at which it may be entered
  // What the debug root says of its program and functions.
  std::shared_ptr<const CodeRecords> code;
  ArenaPieces memory;  // of the ranges, memops, aborts and counters, and all that they refer to
  // The rest is changed under code_lock().
  mutable uint32_t stubs = 0;  // entry stubs into it, which are never removed
  uint64_t shown = 0;          // its slot in the code map of the debug root

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
