// SPDX-License-Identifier: MIT
//
// Memory for what a debugger reads: anonymous, writable, dumped in cores. What is asked of the
// arena itself is never freed; what belongs to something that goes is in pieces, which are used
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mtetso {

// Zeroed memory, at least 8-byte aligned. Throws bad_alloc. Not for signal handlers.
void* arena_allocate(size_t bytes, size_t alignment = 8);

// The bytes that the arena has mapped: how much it ever had in use at once, in whole chunks.
size_t arena_size();

template <typename T>
std::span<T> arena_array(size_t count) {
  if (count == 0) return {};
  return {static_cast<T*>(arena_allocate(count * sizeof(T), alignof(T) < 8 ? 8 : alignof(T))),
          count};
}

// A copy of `text`, NUL-terminated.
const char* arena_string(std::string_view text);

// Arena memory of one owner, given back with it. Nothing that a debugger reads may refer to it by
// then, nor anything that a thread runs.
class ArenaPieces {
 public:
  static constexpr size_t kAlignment = 32;  // of each piece: as struct rseq_cs asks for

  ArenaPieces() = default;
  ~ArenaPieces();
  ArenaPieces(ArenaPieces&& other) noexcept : pieces_(std::move(other.pieces_)) {}
  ArenaPieces& operator=(ArenaPieces&& other) noexcept {
    pieces_.swap(other.pieces_);
    return *this;
  }

  // Zeroed memory. Throws bad_alloc. Not for signal handlers.
  void* allocate(size_t bytes);

  template <typename T>
  std::span<T> array(size_t count) {
    static_assert(alignof(T) <= kAlignment);
    if (count == 0) return {};
    return {static_cast<T*>(allocate(count * sizeof(T))), count};
  }

  // A copy of `text`, NUL-terminated.
  const char* string(std::string_view text);

 private:
  struct Piece {
    void* at;
    size_t bytes;
  };
  std::vector<Piece> pieces_;
};

inline uint64_t address_of(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace mtetso
