// SPDX-License-Identifier: MIT
#include "memory/region_map.h"

#include <algorithm>
#include <iterator>

namespace mtetso {

const RegionMap::Map::value_type* RegionMap::find(uint64_t address) const {
  const auto after = map_.upper_bound(address);
  if (after == map_.begin()) return nullptr;
  const auto& one = *std::prev(after);
  return address < one.second.end ? &one : nullptr;
}

// Makes `at` a boundary, if a region crosses it.
void RegionMap::split(uint64_t at) {
  const auto after = map_.upper_bound(at);
  if (after == map_.begin()) return;
  const auto one = std::prev(after);
  if (one->first == at || one->second.end <= at) return;
  map_.emplace(at, one->second.behind(at - one->first));
  one->second.end = at;
}

void RegionMap::merge_at(uint64_t at) {
  const auto upper = map_.find(at);
  if (upper == map_.end() || upper == map_.begin()) return;
  const auto lower = std::prev(upper);
  if (lower->second.end != at || !upper->second.continues(lower->second, at - lower->first)) return;
  lower->second.end = upper->second.end;
  map_.erase(upper);
}

void RegionMap::erase(uint64_t begin, uint64_t end) {
  split(begin);
  split(end);
  map_.erase(map_.lower_bound(begin), map_.lower_bound(end));
}

void RegionMap::put(uint64_t begin, const Region& region) {
  const uint64_t end = region.end;
  erase(begin, end);
  map_.emplace(begin, region);
  merge_at(end);
  merge_at(begin);
}

bool RegionMap::none(uint64_t begin, uint64_t end) const {
  const auto next = map_.lower_bound(begin);
  return (next == map_.end() || next->first >= end) && find(begin) == nullptr;
}

bool RegionMap::all(uint64_t begin, uint64_t end) const {
  uint64_t at = begin;
  while (at < end) {
    const auto* one = find(at);
    if (one == nullptr) return false;
    at = one->second.end;
  }
  return true;
}

uint64_t RegionMap::room_below(uint64_t low, uint64_t top, uint64_t length) const {
  auto next = map_.lower_bound(top);
  for (;;) {
    const uint64_t from = next == map_.begin() ? low : std::max(low, std::prev(next)->second.end);
    if (top >= from && top - from >= length) return top - length;
    if (next == map_.begin() || std::prev(next)->first <= low) return 0;
    next = std::prev(next);
    top = std::min(top, next->first);
  }
}

}  // namespace mtetso
