// SPDX-License-Identifier: MIT
//
// Where the bytes of a call are while they move between the guest and the kernel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mtetso {

// Makes room for `size` bytes, which the guest has at `address`, in `buffer`; at least one. They
// begin at the same place in a page: transfers of files that are opened with O_DIRECT depend on it
// (open(2)). Those have at least 512 bytes.
template <typename Buffer>
std::span<char> room_for(Buffer& buffer, uint64_t size, uint64_t address) {
  constexpr uint64_t kPage = 4096, kLeast = 512;
  const uint64_t length = std::max<uint64_t>(size, 1);
  buffer.resize(length + (size < kLeast ? 0 : kPage));
  const uint64_t begin = reinterpret_cast<uintptr_t>(buffer.data());
  const size_t distance = size < kLeast ? 0 : (address - begin) % kPage;
  return std::span<char>(buffer).subspan(distance, length);
}

}  // namespace mtetso
