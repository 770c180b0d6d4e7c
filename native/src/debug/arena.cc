// SPDX-License-Identifier: MIT
#include "debug/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>

namespace mtetso {
namespace {

constexpr size_t kChunk = size_t{1} << 20;
constexpr size_t kPage = 4096;

// A size of pieces: whole units up to eight of them, then eight sizes for each doubling, so that at
// most an eighth of a piece is not used. Larger ones are mapped, and unmapped, for themselves.
struct SizeClass {
  static constexpr size_t kUnit = ArenaPieces::kAlignment;
  static constexpr size_t kSteps = 8;
  static constexpr size_t kLargest = kChunk / 2;
  static constexpr size_t kCount = kSteps * (std::bit_width(kLargest / kUnit / kSteps) + 1);

  size_t number;
  size_t bytes;

  explicit SizeClass(size_t wanted) {
    const size_t units = std::max<size_t>(1, (wanted + kUnit - 1) / kUnit);
    const size_t doublings = std::bit_width((units - 1) / kSteps);
    const size_t step = doublings == 0 ? 1 : size_t{1} << (doublings - 1);
    const size_t steps = (units + step - 1) / step;  // 1 to 8, or 9 to 16
    number = doublings == 0 ? steps - 1 : kSteps * doublings + steps - kSteps - 1;
    bytes = steps * step * kUnit;
  }
};

// In the memory of a piece that nobody has.
struct FreePiece {
  FreePiece* next;
};

struct Arena {
  std::mutex lock;
  uintptr_t at = 0;
  uintptr_t end = 0;
  size_t mapped = 0;
  std::array<FreePiece*, SizeClass::kCount> free{};

  void* map(size_t length) {
    void* chunk = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) throw std::bad_alloc();
    mapped += length;
    return chunk;
  }

  void* take(size_t bytes, size_t alignment) {
    uintptr_t start = (at + alignment - 1) & ~(alignment - 1);
    if (at == 0 || start > end || end - start < bytes) {
      if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
      const size_t length = std::max(kChunk, (bytes + alignment + kPage - 1) & ~(kPage - 1));
      at = reinterpret_cast<uintptr_t>(map(length));
      end = at + length;
      start = (at + alignment - 1) & ~(alignment - 1);
    }
    at = start + bytes;
    return reinterpret_cast<void*>(start);
  }
};

// Never destroyed: exiting threads may still record.
Arena& arena() {
  static Arena& the = *new Arena;
  return the;
}

size_t whole_pages(size_t bytes) {
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  return (bytes + kPage - 1) & ~(kPage - 1);
}

void* take_piece(size_t bytes) {
  Arena& a = arena();
  std::lock_guard hold(a.lock);
  if (bytes > SizeClass::kLargest) return a.map(whole_pages(bytes));
  const SizeClass size(bytes);
  FreePiece* used = a.free[size.number];
  if (used == nullptr) return a.take(size.bytes, ArenaPieces::kAlignment);
  a.free[size.number] = used->next;
  return std::memset(static_cast<void*>(used), 0, size.bytes);
}

void give_back(void* piece, size_t bytes) {
  Arena& a = arena();
  std::lock_guard hold(a.lock);
  if (bytes > SizeClass::kLargest) {
    munmap(piece, whole_pages(bytes));
    a.mapped -= whole_pages(bytes);
    return;
  }
  const SizeClass size(bytes);
  a.free[size.number] = new (piece) FreePiece{a.free[size.number]};
}

}  // namespace

void* arena_allocate(size_t bytes, size_t alignment) {
  Arena& a = arena();
  std::lock_guard hold(a.lock);
  return a.take(bytes, alignment);
}

size_t arena_size() {
  Arena& a = arena();
  std::lock_guard hold(a.lock);
  return a.mapped;
}

const char* arena_string(std::string_view text) {
  char* copy = static_cast<char*>(arena_allocate(text.size() + 1));
  // An empty view may have no address, which memcpy does not take.
  text.copy(copy, text.size());
  return copy;
}

ArenaPieces::~ArenaPieces() {
  for (const Piece& one : pieces_) give_back(one.at, one.bytes);
}

void* ArenaPieces::allocate(size_t bytes) {
  pieces_.push_back({nullptr, 0});
  try {
    return (pieces_.back() = {take_piece(bytes), bytes}).at;
  } catch (...) {
    pieces_.pop_back();
    throw;
  }
}

const char* ArenaPieces::string(std::string_view text) {
  char* copy = array<char>(text.size() + 1).data();
  text.copy(copy, text.size());
  return copy;
}

}  // namespace mtetso
