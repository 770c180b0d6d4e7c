// SPDX-License-Identifier: MIT
//
// A change of the code map: its journal slot is open during its lifetime. code_lock() is held.
#pragma once

#include "code/description.h"
#include "debug/journal.h"

namespace mtetso {

class CodeMapChange {
 public:
  // `operation` is MTEDBG_Operation_*, `block` an id.
  CodeMapChange(uint32_t operation, uint64_t block) {
    mtedbg_Journal entry{};
    entry.operation = operation;
    entry.block = block;
    entry.generation = code_description().next_generation();
    open_journal(JournalSlot::CodeMap, entry);
  }
  ~CodeMapChange() { close_journal(JournalSlot::CodeMap); }
  CodeMapChange(const CodeMapChange&) = delete;
  CodeMapChange& operator=(const CodeMapChange&) = delete;
};

}  // namespace mtetso
