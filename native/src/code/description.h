// SPDX-License-Identifier: MIT
//
// The process's code as the debug root shows it: the records of all Codes together. A record has
// one owner, and what is shown is published from it: a block's is in its CodeBlock, a segment's is
// made of its CodeSegment; those of functions and Codes have no other place than their slots. Every
// change is made with code_lock() held, in two steps: reserve() may fail, the rest cannot.
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

  void insert(CodeBlock& block);
  // Marks `block` as replaced by the block with the id `by`.
  void supersede(CodeBlock& block, uint64_t by);
  // Moves a block from the code map to the retired ones. Its records are kept while they are in the
  // list, in the generation of it before the newest, too.
  void retire(std::shared_ptr<CodeBlock> block, std::string_view reason);

  void add_segment(CodeSegment& segment);
  // Publishes how full a segment is, and how many blocks refer to it.
  void publish_segment(const CodeSegment& segment);
  // Marks the retired blocks in a segment as unmapped, and removes the segment.
  void remove_segment(const CodeSegment& segment);

  // Returns the slot.
  uint64_t add_code(const mtedbg_Code& code);
  const mtedbg_Code& code(uint64_t slot) const;
  void change_code(uint64_t slot, const mtedbg_Code& code);
  void remove_code(uint64_t slot);

  // The index of the function that is added next: the lowest one that no function has.
  uint32_t next_function() const;
  // `function` has that index.
  void add_function(const mtedbg_Function& function);
  // Null if there is none. As it is published.
  const mtedbg_Function* function(uint32_t index) const;
  void change_function(const mtedbg_Function& function);
  void remove_function(uint32_t index);
  // One more than the highest index that a function ever had.
  uint32_t functions() const;

 private:
  void publish_retired();

  std::vector<std::shared_ptr<CodeBlock>> retired_;  // the newest last
  std::shared_ptr<CodeBlock> dropped_;               // in the generation before the newest only
  std::vector<mtedbg_Block> copies_;                 // room for those of retired_
};

CodeDescription& code_description();

}  // namespace mtetso
