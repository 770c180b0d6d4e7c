// SPDX-License-Identifier: MIT
//
// What to do about a tag check fault of a memop: a pure function, so that every row can be tested
// without memory, tags or threads.
//
// clang-format off
//   memop now | tags of the granules | sticky, the default
//   ----------+----------------------+-----------------------------------------------------------
//   local     | shared               | patch to shared; past the claim threshold: claim
//   local     | another core's       | retag to shared, barrier, patch to shared
//   local     | mine                 | retry (the register was stale, or someone else was first)
//   shared    | mine                 | retag to shared, barrier, retry; past it: weaken
//   shared    | another core's       | retag to shared, barrier, retry; no patch
//   shared    | shared               | retry: someone else was first
// clang-format on
//
// Whatever the row, a core register that is not the frame's core tag is reloaded.
//
// An access may touch two granules. It has one pointer and one pair of words, so both granules
// must come to one tag: where they are not all mine, every granule that is not shared yet is taken
// to shared, and the memop with them. A core without a tag of its own owns nothing: no row of it is
// "mine", and all that it touches becomes shared.
//
// Sticky: shared memory and a shared memop stay shared, so no memop is ever weakened in place, and
// everything above needs no more than a barrier. With a claim threshold it takes memory back from
// a memop that has faulted that often, and is not pinned:
//   claim     nothing is another core's, and the memory may be written to (only then may its tag):
//             the granules become mine, barrier; the memop stays local
//   weaken    patch to local, with everyone who may be between the two words restarted or waited
//             for before [2] is written (`quiesce`); where that is not to be had, as without claim
// Both are as sound as the way to shared. After the barrier no access that passed its check by the
// old tag is under way on any core; after `quiesce` nobody has run the old [1] without its [2].
// What keeps two cores from taking one granule from each other for ever: each such claim counts as
// a flip, and after the pin threshold a memop is pinned: it stays shared, or goes there with its
// next fault, and claims nothing.
//
// The other policies
//   seed       the idea as it was first written down: one tag and two words, no barriers, nobody is
//              waited for. A plain memop that faults takes the memory to shared and becomes
//              ordered; an ordered one takes it to its own core, whosever it was, and becomes
//              plain. Unsound: accesses pass each other around the retag, and a thread that ran the
//              old [1] (no tag) and then runs the new plain [2] matches shared memory and loses its
//              ordering in silence. There to be studied. A pinned memop is not weakened.
//   interpret  patches nothing and retags nothing: the handler does the access itself, with full
//              barriers of this core and, where a granule is another core's, barriers on every core
//              before and after it, which is what orders it with the owner's plain accesses. With a
//              threshold a memop that has faulted that often is treated as by sticky.
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

// What the handler was told at its start, and what never changes while it lives.
struct PolicyRules {
  uint32_t policy = 0;               // MTEDBG_Policy_*
  uint32_t claim_threshold = 0;      // 0: never
  uint32_t interpret_threshold = 0;  // 0: interpret always does
};

struct Situation {
  Cause cause = Cause::TagCheck;
  uint32_t mode = 0;    // MTEDBG_Mode_*: the memop's, read under the lock
  bool pinned = false;  // likewise
  PolicyRules rules;
  uint32_t granules = 1;
  std::array<uint32_t, 2> tags{};  // allocation tags, read again under the lock
  uint32_t own = 0;                // the frame's core tag
  uint32_t register_tag = 0;       // what the core register holds
  uint32_t shared = 0;
  bool owns = true;        // there can be memory with the tag `own`
  bool writable = true;    // its tag can be changed: a tag is stored as data are
  bool atomic = false;     // a read-modify-write
  uint32_t faults = 0;     // of this memop before this one
  bool may_weaken = true;  // nobody tried and failed to make sure that none is between the words
};

// Carried out in the order of the fields.
struct Decision {
  bool reload = false;          // core register := the frame's core tag
  std::array<bool, 2> retag{};  // granule := shared
  bool claim = false;           // …or rather the frame's core tag
  bool barrier = false;         // on every core
  uint32_t patch_to = 0;        // MTEDBG_Mode_*, 0 for none
  bool quiesce = false;         // nobody is between [1] and [2] when [2] is written
  bool as_written = false;      // [1] first whichever way, and nothing between: seed
  bool interpret = false;       // do the access and go on behind it; otherwise resume at [1]
  bool barrier_after = false;   // on every core, behind an interpreted access
  bool guard = false;           // both granules have the guard's tag meanwhile

  bool retags() const { return retag[0] || retag[1]; }
  bool operator==(const Decision&) const = default;
};

Decision decide(const Situation& now);

}  // namespace mtetso
