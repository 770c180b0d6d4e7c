// SPDX-License-Identifier: MIT
//
// Where the translator gets the guest's instructions from: a file, or memory.
#pragma once

#include <cstdint>
#include <span>

namespace mtetso {

class CodeSource {
 public:
  virtual ~CodeSource() = default;

  // The bytes of executable memory from `address`; at least those of one instruction
  // (Decoder::kMaxLength), except where that memory ends sooner. Empty where the address is not in
  // executable memory. The span is valid until the next call.
  virtual std::span<const uint8_t> code_at(uint64_t address) const = 0;
};

}  // namespace mtetso
