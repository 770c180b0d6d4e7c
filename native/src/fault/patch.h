// SPDX-License-Identifier: MIT
//
// Changing a memop in place. The lock is held and the journal is open.
//
// To shared, [2] first: the only mixed pair that a thread can run is tagged [1] + ordered [2],
// which faults again or is right. For that to be so on every core, [2] is made visible to all
// instruction streams before [1] is written. To local (policy `seed` only), [1] first, as the
// table of decision.h says why: that is unsound, and is here to be seen.
//
// What a reader may conclude from a process stopped anywhere (journal slot 0, by phase):
//
//   operation None           mode and both words agree
//   PatchMemop, Retag/Barrier  mode and words are the old ones
//   to shared, PatchMemop    [1] old; [2] old or new; mode new means: [2] is new on every core
//   to shared, PatchAddress  [2] new, mode new; [1] old or new
//   to local,  PatchAddress  [2] old; [1] old or new; mode new means: [1] is new on every core
//   to local,  PatchMemop    [1] new, mode new; [2] old or new
//   Icache                   both words new in memory; other cores may still run the second old
//   Unlock                   both new everywhere, flips counted
#pragma once

#include <mtedbg/debug_root.h>

#include "code/block.h"

namespace mtetso {

struct Patch {
  const CodeBlock& block;
  mtedbg_Memop& memop;
  uint32_t mode;  // to which
  uint32_t shared_tag;
};

void write_access(const Patch& patch);
void write_tag_insert(const Patch& patch);

// Makes the words so far written visible to every core's instruction stream.
void publish_words(const Patch& patch);

// Between the two words: publish_words(), then the record says the new mode.
void half_done(const Patch& patch);

}  // namespace mtetso
