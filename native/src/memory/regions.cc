// SPDX-License-Identifier: MIT
#include "memory/regions.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace mtetso {

// By doubling: reserve(size + kMore) alone would copy at every call.
void Regions::reserve() {
  if (full()) sorted_.reserve(2 * sorted_.size() + kMore);
}

// The regions that touch [begin, end) become at most three: what is left of the first, the new one
// and what is left of the last, joined where they are the same.
void Regions::set(uint64_t begin, uint64_t end, int protection) {
  if (begin >= end) return;
  reserve();
  const auto first = std::partition_point(sorted_.begin(), sorted_.end(),
                                          [=](const Region& one) { return one.end < begin; });
  const auto last = std::partition_point(first, sorted_.end(),
                                         [=](const Region& one) { return one.begin <= end; });
  std::array<Region, 3> made;
  size_t count = 0;
  const auto put = [&](uint64_t from, uint64_t to, int what) {
    if (from >= to || what == PROT_NONE) return;
    if (count != 0 && made[count - 1].end == from && made[count - 1].protection == what)
      made[count - 1].end = to;
    else
      made[count++] = {from, to, what};
  };
  if (first != last) put(first->begin, begin, first->protection);
  put(begin, end, protection);
  if (first != last) put(end, std::prev(last)->end, std::prev(last)->protection);
  const auto had = static_cast<size_t>(last - first);
  const auto kept = std::copy_n(made.begin(), std::min(had, count), first);
  if (count < had)
    sorted_.erase(kept, last);
  else
    sorted_.insert(kept, made.begin() + static_cast<ptrdiff_t>(had),
                   made.begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace mtetso
