// SPDX-License-Identifier: MIT
//
// The runtime's options, as the command line gives them. Read-only once the guest runs.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mtetso {

enum class ThreadMode { Lockstep, Threads };

struct Options {
  uint32_t policy = MTEDBG_Policy_Sticky;
  uint32_t shared_tag = 0;  // 0 with cores 1..15, 15 with cores 0..14
  uint32_t cores = 2;       // cores that guest threads are spread over
  ThreadMode threads = ThreadMode::Lockstep;
  std::string schedule;  // lockstep: "seed:7", or as written: "1@1*4,2@2*4" (see schedule.h)
  uint32_t memops_start = MTEDBG_Mode_Local;
  uint32_t pin_threshold = 8;  // flips after which `sticky` pins a memop to shared
  uint32_t step = 0;           // guest instructions between polls; 0: at block leaders only
  bool handler = true;         // false: no fault handler, the first tag check fault is the last
  std::string abort_at;        // "NAME[:N]": dies at a named point (debug/points.h); empty: nowhere
  std::string guest;
  std::vector<std::string> arguments;
};

// The lowest core id. A core's id, wherever users see one, is its HostCoreId: the tag of its local
// memory where it has one (1..15 with shared 0, 0..14 with shared 15). Number n has id n + first.
constexpr uint32_t first_core_id(uint32_t shared_tag) { return shared_tag == 0 ? 1 : 0; }

// A core's tag under the convention: core numbers count from 0; a core without a tag of its own
// (beyond the fifteenth) has the shared tag: all that it touches is shared.
constexpr uint32_t core_tag(uint32_t core, uint32_t shared_tag) {
  if (core >= 15) return shared_tag;
  return shared_tag == 0 ? core + 1 : core;
}

// A tag that no pointer of a running thread has: that of the last core, which is nobody's while
// there are fewer than fifteen. With more, threads of that core pass where it stands guard.
constexpr uint32_t guard_tag(uint32_t shared_tag) { return core_tag(14, shared_tag); }

}  // namespace mtetso
