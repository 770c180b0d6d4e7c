// SPDX-License-Identifier: MIT
//
// The process's code as the debug root shows it: the records of all Codes together. Every change
// is made with code_lock() held, in two steps: reserve() may fail, the rest cannot.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "code/block.h"
#include "code/segment.h"

namespace mtetso {

// Serialises all writers of code: commit, retire, functions. Look-ups never take it.
std::mutex& code_lock();

class CodeDescription {
 public:
  static constexpr size_t kRetiredKept = 64;

  // Room for one more of everything. Throws bad_alloc.
  void reserve();

  // The generation that the code map's next change has.
  uint64_t next_generation() const;

  void insert(const CodeBlock& block);
  // Marks `block` as replaced by the block with the id `by`.
  void supersede(const CodeBlock& block, uint64_t by);
  // Moves a block from the code map to the retired ones.
  void retire(const CodeBlock& block, const char* reason, uint32_t reason_length);
  void add_segment(std::shared_ptr<const CodeSegment> segment);
  // Marks the retired blocks in a segment as unmapped, and removes the segment.
  void remove_segment(uint64_t id);
  // Publishes how full a segment is.
  void publish_segment(uint64_t id);

  // Throws bad_alloc.
  void add_code(const mtedbg_Code& code);
  void set_shared_stubs(uint64_t code, uint64_t block);
  // Removes a Code and the state of its functions; their indices are not used again.
  void remove_code(uint64_t id);

  uint32_t add_function(const mtedbg_Function& function);
  // Null if there is none. A change is seen when the function is published.
  mtedbg_Function* function(uint32_t index);
  uint32_t functions() const { return static_cast<uint32_t>(functions_.size()); }
  void publish_function(uint32_t index);

 private:
  struct ShownSegment {
    std::shared_ptr<const CodeSegment> segment;
    uint64_t slot;
    mtedbg_Segment record() const;
  };

  std::vector<uint64_t> free_;  // slots of the code map that blocks were taken away from
  std::vector<mtedbg_Block> retired_;
  std::vector<ShownSegment> segments_;
  std::vector<uint64_t> free_segments_;
  std::vector<mtedbg_Function> functions_;  // each at its index, and in the slot of that number
  std::vector<mtedbg_Code> codes_;
};

CodeDescription& code_description();

}  // namespace mtetso
