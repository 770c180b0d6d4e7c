// SPDX-License-Identifier: MIT
//
// Function index → index of its code range in a block. A complete tier has nearly every function:
// an array from the lowest index on. A partial tier has a few: sorted pairs. One interface.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mtetso {

class FuncToCodeRange {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  FuncToCodeRange() = default;
  // Takes the Function ranges of a block; dense if that costs at most twice the sparse form.
  explicit FuncToCodeRange(std::span<const mtedbg_Range> ranges);

  // The range's index; kNone if this block has no code for the function.
  uint32_t find(uint32_t function) const;
  bool dense() const { return !dense_.empty(); }
  size_t size() const { return size_; }

 private:
  uint32_t first_ = 0;  // of the dense form
  std::vector<uint32_t> dense_;
  std::vector<std::pair<uint32_t, uint32_t>> sparse_;
  size_t size_ = 0;
};

}  // namespace mtetso
