// SPDX-License-Identifier: MIT
//
// What the guest may do with each of its pages, for those that must not wait. Not thread-safe:
// GuestMemory has two of them (memory/left_right.h), made from its RegionMap.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mtetso {

class Regions {
 public:
  // Beside PROT_ bits: an access reaches the memory itself, which has an owner if it has tags; and
  // no other process has that memory, so that its owner may change.
  static constexpr int kReady = 1 << 16;
  static constexpr int kPrivate = 1 << 17;

  // Makes room for one more set(), which then does not throw. Throws bad_alloc.
  void reserve();
  bool full() const { return sorted_.capacity() - sorted_.size() < kMore; }

  // Gives [begin, end) that protection, PROT_ and these bits, whatever it had before. Throws
  // bad_alloc, and nothing is changed. The cost is logarithmic, beside that of moving what is
  // behind, if the number of regions changes.
  void set(uint64_t begin, uint64_t end, int protection);

  // What may be done everywhere in [begin, end), which is not empty: PROT_NONE where a byte was
  // never set. The cost is logarithmic in the number of regions, and proportional to those met.
  int protection(uint64_t begin, uint64_t end) const;

  size_t size() const { return sorted_.size(); }

 private:
  struct Region {
    uint64_t begin;
    uint64_t end;
    int protection;
  };

  static constexpr size_t kMore = 2;  // set() in the middle of a region makes three of it

  // Disjoint; neighbours that touch differ in their protection. What is PROT_NONE is not there.
  std::vector<Region> sorted_;
};

// In line: the fault handler asks.
inline int Regions::protection(uint64_t begin, uint64_t end) const {
  const Region* at = sorted_.data();
  const Region* const behind = at + sorted_.size();
  for (size_t left = sorted_.size(); left > 0;) {
    const size_t half = left / 2;
    if (at[half].end <= begin) {
      at += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  int allowed = PROT_READ | PROT_WRITE | kReady | kPrivate;
  for (; begin < end; ++at) {
    if (at == behind || at->begin > begin) return PROT_NONE;
    allowed &= at->protection;
    begin = at->end;
  }
  return allowed;
}

}  // namespace mtetso
