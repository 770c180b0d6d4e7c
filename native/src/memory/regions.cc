// SPDX-License-Identifier: MIT
#include "memory/regions.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace mtetso {

void Regions::set(uint64_t begin, uint64_t end, int protection) {
  std::vector<Region> made;
  made.reserve(sorted_.size() + 2);
  const auto put = [&made](uint64_t from, uint64_t to, int what) {
    if (from >= to || what == PROT_NONE) return;
    if (!made.empty() && made.back().end == from && made.back().protection == what)
      made.back().end = to;
    else
      made.push_back({from, to, what});
  };
  auto old = sorted_.begin();
  for (; old != sorted_.end() && old->begin < begin; ++old)
    put(old->begin, std::min(old->end, begin), old->protection);
  put(begin, end, protection);
  // The one before may reach beyond `end` as well.
  if (old != sorted_.begin()) --old;
  for (; old != sorted_.end(); ++old) put(std::max(old->begin, end), old->end, old->protection);
  sorted_ = std::move(made);
}

}  // namespace mtetso
