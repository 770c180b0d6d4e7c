// SPDX-License-Identifier: MIT
#include "code/func_to_range.h"

#include <algorithm>

#include "compiled.h"

namespace mtetso {

FuncToCodeRange::FuncToCodeRange(std::span<const mtedbg_Range> ranges) {
  for (uint32_t i = 0; i < ranges.size(); ++i)
    if (ranges[i].kind == MTEDBG_RangeKind_Function &&
        ranges[i].function != CompiledRange::kNoFunction)
      sparse_.emplace_back(ranges[i].function, i);
  // A function in several ranges is found at its first, where it is entered.
  std::sort(sparse_.begin(), sparse_.end());
  sparse_.erase(std::unique(sparse_.begin(), sparse_.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                sparse_.end());
  size_ = sparse_.size();
  if (sparse_.empty()) return;
  first_ = sparse_.front().first;
  const uint64_t span = uint64_t{sparse_.back().first} - first_ + 1;
  if (span > 4 * size_) return;  // a pair costs two words, a place in the array one
  dense_.assign(span, kNone);
  for (const auto& [function, range] : sparse_) dense_[function - first_] = range;
  sparse_.clear();
  sparse_.shrink_to_fit();
}

uint32_t FuncToCodeRange::find(uint32_t function) const {
  if (dense())
    return function >= first_ && function - first_ < dense_.size() ? dense_[function - first_]
                                                                   : kNone;
  const auto at = std::lower_bound(sparse_.begin(), sparse_.end(), std::pair{function, 0u});
  return at != sparse_.end() && at->first == function ? at->second : kNone;
}

}  // namespace mtetso
