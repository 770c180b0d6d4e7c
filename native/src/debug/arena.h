// SPDX-License-Identifier: MIT
//
// Memory for what a debugger reads: anonymous, writable, dumped in cores, never freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

namespace mtetso {

// Zeroed memory, at least 8-byte aligned. Throws bad_alloc. Not for signal handlers.
void* arena_allocate(size_t bytes, size_t alignment = 8);

template <typename T>
std::span<T> arena_array(size_t count) {
  if (count == 0) return {};
  return {static_cast<T*>(arena_allocate(count * sizeof(T), alignof(T) < 8 ? 8 : alignof(T))),
          count};
}

// A copy of `text`, NUL-terminated.
const char* arena_string(std::string_view text);

inline uint64_t address_of(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace mtetso
