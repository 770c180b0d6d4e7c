// SPDX-License-Identifier: MIT
//
// All system calls by number.
#pragma once

#include <array>
#include <string>

#include "linux/call.h"

namespace mtetso {

class CallTable {
 public:
  static constexpr uint32_t kNumbers = 512;

  // Throws std::logic_error where two rows have one number.
  CallTable();
  // Null where there is no row.
  const CallRow* find(uint64_t number) const { return number < kNumbers ? rows_[number] : nullptr; }

 private:
  std::array<const CallRow*, kNumbers> rows_{};
};

// The name of a call of x86-64 that has no row: "kexec_load", or "" if there is none of that
// number.
const char* missing_call_name(uint64_t number);

}  // namespace mtetso
