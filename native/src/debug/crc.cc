// SPDX-License-Identifier: MIT
#include "debug/crc.h"

#include <array>

namespace mtetso {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    table[byte] = crc;
  }
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

uint32_t crc32(const void* data, size_t length) {
  const auto* byte = static_cast<const unsigned char*>(data);
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < length; ++i) crc = (crc >> 8) ^ kTable[(crc ^ byte[i]) & 0xff];
  return ~crc;
}

}  // namespace mtetso
