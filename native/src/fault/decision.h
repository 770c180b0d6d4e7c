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
//   local     | mine                 | retry (the register was stale, or another thread was first)
//   shared    | mine                 | retag to shared, barrier, retry; past it: weaken
//   shared    | another core's       | retag to shared, barrier, retry; no patch
//   shared    | shared               | retry: another thread was first
// clang-format on
//
// In every row, a core register that differs from the frame's core tag is reloaded.
//
// An access may touch two granules. It has one pointer and one pair of words, so both granules must
// get the same tag: if they are not both mine, every granule that is not shared is retagged to
// shared, and the memop with them. A core without a tag of its own owns no memory: none of its rows
// is "mine", and everything that it touches becomes shared.
//
// Sticky: shared memory and a shared memop stay shared, so no memop is ever weakened in place, and
// everything above needs only a barrier. With a claim threshold, memory is made local again when a
// memop has faulted that often and is not pinned:
//   claim     no granule is another core's, and the memory is writable (only then can its tag be
//             changed): the granules become mine, barrier; the memop stays local
//   weaken    patch to local; every thread that may be between the two words is restarted or waited
//             for before [2] is written (`quiesce`); if that fails, as without claim
// Both are as sound as the change to shared. After the barrier no access that passed its check by
// the old tag is in progress on any core; after `quiesce` no thread has run the old [1] without its
// [2]. Two cores cannot take a granule from each other indefinitely: each claim counts as a flip,
// and after the pin threshold a memop is pinned: it stays shared, or becomes shared with its next
// fault, and claims nothing.
//
// The other policies
//   seed       the original idea: one tag and two words, no barriers, no waiting. If a plain memop
//              faults, the memory is made shared and the memop ordered; if an ordered one faults,
//              its own core gets the memory, whichever core owned it, and the memop is made plain.
//              Unsound: accesses are reordered around the retag, and a thread that ran the old [1]
//              (no tag) and then runs the new plain [2] matches shared memory and silently loses
//              its ordering. Kept for study. A pinned memop is not weakened.
//   interpret  patches nothing and retags nothing: the handler does the access itself, with full
//              barriers of this core and, if a granule is another core's, barriers on every core
//              before and after it, which order it with the owner's plain accesses. With a
//              threshold, a memop that has faulted that often is treated as by sticky.
//
//   follow     sticky, and an access that meets memory of both kinds leaves the memory as it is: a
//              shared memop that meets memory of its own core is made one for either kind
//              (code/memop_words.h), which goes by the memory's tag from then on. Such a memop
//              faults on another core's memory, which becomes shared; where two granules are of
//              different kinds, which both become shared; and where a tag changed after it was
//              read. Nothing is claimed. A pinned memop, or one without an out-of-line form, is
//              treated as by sticky.
//
//   memop now | tags of the granules | follow
//   ----------+----------------------+-----------------------------------------------------------
//   local     |                      | as sticky
//   shared    | mine                 | patch to either
//   shared    | another core's       | retag to shared, barrier, retry; no patch
//   either    | mine, or all shared  | retry (the register was stale, or a tag changed)
//   either    | others               | retag to shared, barrier, retry
//
// An alignment fault (ordered and atomic accesses must not cross 16 bytes, Arm ARM B2.5.2) patches
// nothing: if not all granules are mine they are made shared, and then the access is interpreted.
// Follow does not interpret it but makes a shared memop one for either kind, which may be
// misaligned; granules of both kinds, or another core's, are made shared first.
//
// A locked access that crosses (x86's split lock) is done while both granules have the guard tag,
// which no pointer has. A barrier on every core waits for accesses that passed their check before;
// a thread that accesses the granules now faults, and waits for the lock. After the access and
// another barrier the granules get their tags back: nothing else has changed.
#pragma once

#include <mtedbg/debug_root.h>

#include <array>
#include <cstdint>

namespace mtetso {

enum class Cause : uint8_t { TagCheck, Alignment };

// The options of the policy; they never change.
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
  bool owns = true;              // memory can have the tag `own`
  bool writable = true;          // the memory, and with it its tags
  bool atomic = false;           // a read-modify-write
  uint32_t faults = 0;           // of this memop before this one
  bool may_weaken = true;        // waiting for threads between the words has not failed
  bool has_out_of_line = false;  // the memop has an out-of-line form
};

// Carried out in the order of the fields.
struct Decision {
  bool reload = false;          // core register := the frame's core tag
  std::array<bool, 2> retag{};  // granule := shared
  bool claim = false;           // granule := the frame's core tag instead
  bool barrier = false;         // on every core
  uint32_t patch_to = 0;        // MTEDBG_Mode_*, 0 for none
  bool quiesce = false;         // no thread is between [1] and [2] when [2] is written
  bool as_written = false;      // seed: [1] first in both directions, nothing in between
  bool interpret = false;       // do the access and resume after it; otherwise resume at [1]
  bool barrier_after = false;   // on every core, after an interpreted access
  bool guard = false;           // both granules have the guard tag during the access

  bool retags() const { return retag[0] || retag[1]; }
  // Whether there is more to do than to reload.
  bool acts() const { return patch_to != 0 || barrier || interpret || retags(); }
  bool operator==(const Decision&) const = default;
};

Decision decide(const Situation& now);

}  // namespace mtetso
