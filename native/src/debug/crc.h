// SPDX-License-Identifier: MIT
//
// CRC-32 as debug_root.h defines it, a byte at a time instead of a bit: tables are summed at every
// publication.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mtetso {

uint32_t crc32(const void* data, size_t length);

}  // namespace mtetso
