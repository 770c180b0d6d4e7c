// SPDX-License-Identifier: MIT
//
// New processes.
#pragma once

#include <cstdint>

#include "linux/call.h"

namespace mtetso {

// What fork, vfork, and clone and clone3 for a process, ask for.
struct ForkRequest {
  uint64_t flags = 0;       // CLONE_*, without the signal
  uint64_t stack = 0;       // rsp; 0: the caller's
  uint64_t stack_size = 0;  // bytes below it; 0: not said
  uint64_t parent_tid = 0;  // where CLONE_PARENT_SETTID writes
  uint64_t child_tid = 0;
  uint64_t tls = 0;
  uint64_t pidfd = 0;  // where CLONE_PIDFD writes
};

CallResult fork_process(Call& call, const ForkRequest& request);

// Before a process ends by exit: what a child of vfork has written to its parent's stack is the
// parent's, too.
void end_of_vfork(Call& call);

}  // namespace mtetso
