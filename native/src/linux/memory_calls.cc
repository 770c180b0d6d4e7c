// SPDX-License-Identifier: MIT
//
// The process's memory.
#include "linux/call.h"
#include "linux/process.h"

namespace mtetso {
namespace {

CallResult brk(Call& call) {
  return static_cast<int64_t>(call.process.move_break(call.thread, call.arguments[0]));
}

}  // namespace

CallRows memory_calls() {
  static constexpr CallRow rows[] = {
      {12, "brk", 1, brk},
  };
  return rows;
}

}  // namespace mtetso
