// SPDX-License-Identifier: MIT
//
// PC → block. A look-up takes no lock and may run in a signal handler, also in one that interrupts
// a look-up or a writer: there are two sorted vectors, and readers use the published one.
//
// A reader counts itself into a copy and then checks that the copy is still the published one; a
// writer publishes the other copy and then waits until that count is zero before it touches what
// it hid. Each side writes one variable and then reads the other's, so these four accesses must be
// sequentially consistent.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "code/block.h"
#include "code/sorted_blocks.h"

namespace mtetso {

class CodeBlockMap {
 public:
  CodeBlockMap() = default;
  CodeBlockMap(const CodeBlockMap&) = delete;
  CodeBlockMap& operator=(const CodeBlockMap&) = delete;

  // The block that holds `pc`; null if there is none. Lock-free, async-signal-safe.
  const CodeBlock* lookup(uintptr_t pc) const;

  // False, and nothing is changed, if the block overlaps another one. Throws bad_alloc, and nothing
  // is changed. Returns when every reader sees the change: waits for those in flight. The cost is
  // proportional to the blocks above this one, which are few: code is placed upwards.
  bool insert(const CodeBlock* block);
  // False if it is not in the map. When it returns, no look-up can find the block any more.
  bool remove(const CodeBlock* block);

  size_t size() const;

  // Called inside a look-up, between counting in and reading the vector. Tests freeze a reader
  // there; null otherwise.
  void (*inside_lookup)() = nullptr;

 private:
  struct Copy {
    SortedBlocks blocks;
    alignas(64) mutable std::atomic<uint32_t> readers{0};
  };

  uint32_t enter() const;
  void leave(uint32_t copy) const { copies_[copy].readers.fetch_sub(1, std::memory_order_release); }
  void swap_and_wait();

  mutable std::mutex writers_;
  std::array<Copy, 2> copies_;
  alignas(64) std::atomic<uint32_t> published_{0};
};

// The one that the fault handler uses.
CodeBlockMap& process_code_map();

}  // namespace mtetso
