// SPDX-License-Identifier: MIT
#include "code/block.h"

#include <algorithm>

namespace mtetso {

// By halves, without the division that the distance of two of them would be.
mtedbg_Memop* CodeBlock::memop_at(uintptr_t pc) const {
  mtedbg_Memop* at = memops.data();
  for (size_t left = memops.size(); left != 0;) {
    const size_t half = left / 2;
    if (at[half].address == pc) return at + half;
    if (at[half].address < pc) {
      at += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return nullptr;
}

mtedbg_Memop* CodeBlock::memop_out_of_line(uintptr_t pc) const {
  // All have one or none has; they are in the order of the memops (code/validate.cc).
  const auto after = std::upper_bound(
      memops.begin(), memops.end(), pc,
      [](uintptr_t wanted, const mtedbg_Memop& memop) { return wanted < memop.out_address; });
  if (after == memops.begin()) return nullptr;
  const auto at = after - 1;
  return pc < at->out_end ? &*at : nullptr;
}

mtedbg_Memop* CodeBlock::memop_of_fault(uintptr_t pc) const {
  if (mtedbg_Memop* memop = memop_at(pc); memop != nullptr) return memop;
  const auto at = std::lower_bound(
      aborts.begin(), aborts.end(), pc,
      [](const mtedbg_Memop* memop, uintptr_t wanted) { return memop->abort_address < wanted; });
  if (at != aborts.end() && (*at)->abort_address == pc) return *at;
  return memop_out_of_line(pc);
}

const mtedbg_Range* CodeBlock::range_at(uintptr_t pc) const {
  const uint64_t offset = pc - record.base;
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), offset,
      [](uint64_t wanted, const mtedbg_Range& range) { return wanted < range.begin; });
  if (after == ranges.begin()) return nullptr;
  const auto at = after - 1;
  return offset < at->end ? &*at : nullptr;
}

bool CodeBlock::made_from(uint64_t begin, uint64_t end) const {
  const auto at = std::upper_bound(sources.begin(), sources.end(), begin,
                                   [](uint64_t a, const GuestExtent& one) { return a < one.end; });
  return at != sources.end() && at->begin < end;
}

}  // namespace mtetso
