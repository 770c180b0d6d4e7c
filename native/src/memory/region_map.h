// SPDX-License-Identifier: MIT
//
// What the guest has mapped: disjoint regions, by address. Not synchronised: its owner has a lock.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace mtetso {

struct Region {
  enum class Kind : uint8_t {
    Tagged,    // has memory tags
    Constant,  // private and never written by the guest: no tags, no order
    Outside,   // shared with what knows no tags: the host's own mapping of it is at `host`, and
               // every access of the guest faults and is done there
  };

  uint64_t end = 0;
  int protection = PROT_NONE;  // what the guest may do
  Kind kind = Kind::Tagged;
  bool fresh = false;   // Tagged: not touched yet; the host has no access to it
  bool shared = false;  // with other processes: Outside, or Tagged with the shared tag for ever
  uint64_t host = 0;    // Outside: where its first byte is
  // What the guest is told of it (/proc/self/maps): whether it may execute it, and which file it is
  // of (GuestMemory::file_of, 0: none), from which byte on.
  bool executes = false;
  uint32_t file = 0;
  uint64_t offset = 0;

  // What is left of it behind its first `distance` bytes.
  Region behind(uint64_t distance) const {
    Region rest = *this;
    if (kind == Kind::Outside) rest.host += distance;
    if (file != 0) rest.offset += distance;
    return rest;
  }

  // Whether it is one with what is before it. Never where memory is shared and has tags: it may be
  // of another mapping, which cannot grow with this one.
  bool continues(const Region& before, uint64_t distance) const {
    return protection == before.protection && kind == before.kind && fresh == before.fresh &&
           (!shared || kind != Kind::Tagged) && shared == before.shared &&
           executes == before.executes && file == before.file &&
           (kind != Kind::Outside || host == before.host + distance) &&
           (file == 0 || offset == before.offset + distance);
  }
};

class RegionMap {
 public:
  using Map = std::map<uint64_t, Region>;

  // The region that holds `address`; null if there is none. Async-signal-safe.
  const Map::value_type* find(uint64_t address) const;
  // Replaces everything in [begin, region.end). Throws bad_alloc.
  void put(uint64_t begin, const Region& region);
  void erase(uint64_t begin, uint64_t end);

  // Calls visit(begin, Region) with each part of a region in [begin, end), cut to it, in order.
  template <typename Visit>
  void visit(uint64_t begin, uint64_t end, const Visit& visit) const {
    for (uint64_t at = begin; at < end;) {
      auto next = map_.upper_bound(at);
      if (next != map_.begin() && std::prev(next)->second.end > at) next = std::prev(next);
      if (next == map_.end() || next->first >= end) return;
      const uint64_t first = next->first < at ? at : next->first;
      Region part = next->second.behind(first - next->first);
      if (part.end > end) part.end = end;
      at = part.end;
      visit(first, part);
    }
  }

  // The parts themselves.
  std::vector<std::pair<uint64_t, Region>> parts(uint64_t begin, uint64_t end) const {
    std::vector<std::pair<uint64_t, Region>> all;
    visit(begin, end, [&](uint64_t at, const Region& part) { all.emplace_back(at, part); });
    return all;
  }

  // Whether nothing is mapped in [begin, end), or everything is.
  bool none(uint64_t begin, uint64_t end) const;
  bool all(uint64_t begin, uint64_t end) const;

  // The highest `length` bytes below `top` and not below `low` where nothing is; 0 if there are
  // none.
  uint64_t room_below(uint64_t low, uint64_t top, uint64_t length) const;

  const Map& map() const { return map_; }

 private:
  void split(uint64_t at);
  void merge_at(uint64_t at);

  Map map_;
};

}  // namespace mtetso
