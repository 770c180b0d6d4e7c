// SPDX-License-Identifier: MIT
//
// What to do about a tag check fault of a memop: a pure function, so that every row can be tested
// without memory, tags or threads.
//
//   memop now | tags of the granules | actions
//   ----------+----------------------+-----------------------------------------------------------
//   local     | shared               | patch to shared
//   local     | another core's       | retag to shared, barrier, patch to shared
//   local     | mine                 | retry (the register was stale, or someone else was first)
//   shared    | mine                 | seed: patch to local. Otherwise retag to shared, barrier,
//   retry shared    | another core's       | retag to shared, barrier, retry; no patch shared    |
//   shared               | retry: someone else was first
//
// Whatever the row, a core register that is not the frame's core tag is reloaded.
//
// An access may touch two granules. It has one pointer and one pair of words, so both granules
// must come to one tag: where they are not all mine, every granule that is not shared yet is taken
// to shared, and the memop with them.
//
// Policies
//   sticky     the default. Shared memory and a shared memop stay shared, so that no memop is ever
//              weakened in place: a thread that ran the old [1] (no tag) and then runs a new plain
//              [2] would match shared memory and lose its ordering in silence. A memop that was
//              flipped more than the threshold is pinned.
//   seed       weakens in place when memory is mine: unsound for the reason above, there to be
//              studied. A pinned memop is not weakened.
//   interpret  patches nothing and retags nothing: the handler does the access itself, with full
//              barriers of this core and, where a granule is another core's, barriers on every core
//              before and after it, which is what orders it with the owner's plain accesses.
//
// An alignment fault (ordered and atomic accesses must not cross 16 bytes, Arm ARM B2.5.2) patches
// nothing: where not all is mine it is taken to shared, and then the access is interpreted.
//
// A locked access that crosses (x86's split lock) is done behind a tag that nobody's pointers have:
// both granules get the guard's tag, and a barrier on every core waits for accesses that passed
// before; whoever comes now faults, and waits for the lock that is held. Behind the access and
// another barrier the granules get their tags back: nothing else has changed.
#pragma once

#include <mtedbg/debug_root.h>

#include <array>
#include <cstdint>

namespace mtetso {

enum class Cause : uint8_t { TagCheck, Alignment };

struct Situation {
  Cause cause = Cause::TagCheck;
  uint32_t mode = 0;    // MTEDBG_Mode_*: the memop's, read under the lock
  bool pinned = false;  // likewise
  uint32_t policy = 0;  // MTEDBG_Policy_*
  uint32_t granules = 1;
  std::array<uint32_t, 2> tags{};  // allocation tags, read again under the lock
  uint32_t own = 0;                // the frame's core tag
  uint32_t register_tag = 0;       // what the core register holds
  uint32_t shared = 0;
  bool atomic = false;  // a read-modify-write
};

// Carried out in the order of the fields.
struct Decision {
  bool reload = false;          // core register := the frame's core tag
  std::array<bool, 2> retag{};  // granule := shared
  bool barrier = false;         // on every core
  uint32_t patch_to = 0;        // MTEDBG_Mode_*, 0 for none
  bool interpret = false;       // do the access and go on behind it; otherwise resume at [1]
  bool barrier_after = false;   // on every core, behind an interpreted access
  bool guard = false;           // both granules have the guard's tag meanwhile

  bool retags() const { return retag[0] || retag[1]; }
  bool operator==(const Decision&) const = default;
};

Decision decide(const Situation& now);

}  // namespace mtetso
