// SPDX-License-Identifier: MIT
#include "debug/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace mtetso {
namespace {

constexpr size_t kChunk = size_t{1} << 20;

struct Arena {
  std::mutex lock;
  uintptr_t at = 0;
  uintptr_t end = 0;
};

// Never destroyed: exiting threads may still record.
Arena& arena() {
  static Arena& the = *new Arena;
  return the;
}

}  // namespace

void* arena_allocate(size_t bytes, size_t alignment) {
  Arena& a = arena();
  std::lock_guard hold(a.lock);
  uintptr_t start = (a.at + alignment - 1) & ~(alignment - 1);
  if (a.at == 0 || start > a.end || a.end - start < bytes) {
    const size_t page = 4096;
    if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
    const size_t length = std::max(kChunk, (bytes + alignment + page - 1) & ~(page - 1));
    void* chunk = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) throw std::bad_alloc();
    a.at = reinterpret_cast<uintptr_t>(chunk);
    a.end = a.at + length;
    start = (a.at + alignment - 1) & ~(alignment - 1);
  }
  a.at = start + bytes;
  return reinterpret_cast<void*>(start);
}

const char* arena_string(std::string_view text) {
  char* copy = static_cast<char*>(arena_allocate(text.size() + 1));
  // An empty view may have no address, which memcpy does not take.
  text.copy(copy, text.size());
  return copy;
}

}  // namespace mtetso
