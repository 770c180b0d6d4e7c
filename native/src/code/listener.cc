// SPDX-License-Identifier: MIT
#include "code/listener.h"

#include <new>
#include <vector>

namespace mtetso {
namespace {

std::vector<std::unique_ptr<CodeListener>>& listeners() {
  static auto& the = *new std::vector<std::unique_ptr<CodeListener>>;
  return the;
}

}  // namespace

void add_code_listener(std::unique_ptr<CodeListener> listener) {
  listeners().push_back(std::move(listener));
}

// The block is published whatever happens here: without memory, a tool lacks it.
void tell_added(const CodeBlock& block, std::string_view program) {
  for (const auto& one : listeners()) {
    try {
      one->added(block, program);
    } catch (const std::bad_alloc&) {
    }
  }
}

void tell_removed(const CodeBlock& block) {
  for (const auto& one : listeners()) one->removed(block);
}

}  // namespace mtetso
