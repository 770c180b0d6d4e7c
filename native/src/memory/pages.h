// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cstdint>

namespace mtetso {

// The kernel's, in bytes.
inline uint64_t page_size() {
  static const auto size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}

inline uint64_t page_down(uint64_t address) { return address & ~(page_size() - 1); }
inline uint64_t page_up(uint64_t address) { return page_down(address + page_size() - 1); }

}  // namespace mtetso
