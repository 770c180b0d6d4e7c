// SPDX-License-Identifier: MIT
//
// PC → block. A look-up takes no lock and may run in a signal handler, also in one that interrupts
// a look-up or a writer: there are two sorted arrays of the same chunks, and readers use the one
// that is shown (memory/left_right.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "code/block.h"
#include "code/sorted_blocks.h"
#include "memory/left_right.h"

namespace mtetso {

class CodeBlockMap {
 public:
  CodeBlockMap() = default;
  ~CodeBlockMap();
  CodeBlockMap(const CodeBlockMap&) = delete;
  CodeBlockMap& operator=(const CodeBlockMap&) = delete;

  // The block that holds `pc`; null if there is none. Lock-free, async-signal-safe.
  const CodeBlock* lookup(uintptr_t pc) const;

  // False, and nothing is changed, if the block overlaps another one. Throws bad_alloc, and nothing
  // is changed. Returns when every reader sees the change: waits for those in flight. The cost is
  // that of copying a chunk (code/sorted_blocks.h), and a pointer for each one above it.
  bool insert(const CodeBlock* block);
  // False if it is not in the map. When it returns, no look-up can find the block any more.
  bool remove(const CodeBlock* block);

  size_t size() const;

  // In a child process: drops the look-ups of its parent's other threads.
  void forked() { blocks_.forget_readers(); }

  // Called inside a look-up, between counting in and reading the vector. Tests freeze a reader
  // there; null otherwise.
  void (*inside_lookup)() = nullptr;

 private:
  void change(const SortedBlocks::Change& made);

  mutable std::mutex writers_;
  size_t size_ = 0;
  SortedBlocks::Spares spares_;  // both before an insertion, at least one after it
  LeftRight<SortedBlocks> blocks_;
};

// The one that the fault handler uses. Made before main(), never destroyed.
inline CodeBlockMap& g_process_code_map = *new CodeBlockMap;
inline CodeBlockMap& process_code_map() { return g_process_code_map; }

}  // namespace mtetso
