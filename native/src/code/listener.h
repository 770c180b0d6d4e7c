// SPDX-License-Identifier: MIT
//
// Who is told of code as it comes and goes: profilers, debuggers that do not read the debug root.
#pragma once

#include <memory>
#include <string_view>

#include "code/block.h"

namespace mtetso {

class CodeListener {
 public:
  virtual ~CodeListener() = default;

  // The block is complete and no thread runs it yet. `program` is the name of its Code. Called with
  // code_lock() held, as the next. What it throws for lack of memory is dropped.
  virtual void added(const CodeBlock& block, std::string_view program) = 0;
  // Nothing leads to the block any more; it is removed soon.
  virtual void removed(const CodeBlock&) {}
};

// For the rest of the process; before its first block.
void add_code_listener(std::unique_ptr<CodeListener> listener);

void tell_added(const CodeBlock& block, std::string_view program);
void tell_removed(const CodeBlock& block);

}  // namespace mtetso
