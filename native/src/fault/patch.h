// SPDX-License-Identifier: MIT
//
// The life of a memop, and changing it in place.
//
//   rseq-read, rseq-strict   (lead-in)  x27 := tag of the core that the kernel says; frame follows
//                            [1]        local: tag from x27        shared: the shared tag
//                            [2]        local: ldr, str …          shared: ldapr, stlr …
//
//   made by the translator (translate/emitter.h), placed and described (code/build.cc), published
//   runs: the pointer's tag is that of the granule, or the access faults (fault/handler.h)
//   found by the PC, decided (fault/decision.h), retagged, patched (here), resumed at its beginning
//   in the end retired with its block (code/retire.cc)
//
// Where it begins: at [1], which can be run again on its own result, because it only sets the tag.
// With a lead-in, at the lead-in: the thread may be on another core by then.
//
// A PC that is not at [2]: in rseq-strict, the memop from after the lead-in's store to after [2] is
// a critical section of rseq(2). The kernel takes a thread that is interrupted in one to its
// abort handler *before* it delivers a signal (kernel/rseq.c, rseq_signal_deliver), so the fault of
// [2] arrives with the PC at the abort handler. There is one for each memop, a branch to the
// memop's beginning after the signature, and that is how the memop is found
// (CodeBlock::memop_of_fault). Nothing is lost: si_addr is that of the access, and the registers
// are as [2] met them. A debugger that stops at the signal stops before its delivery and sees [2].
// An abort without a fault runs the branch: a thread that was moved to another core between the two
// words starts over.
//
// Changing it. The lock is held and the journal is open.
//
// To shared, [2] first: the only mixed pair that a thread can run is tagged [1] + ordered [2],
// which faults again or is right. For that to be so on every core, [2] is made visible to all
// instruction streams before [1] is written.
//
// The word that is written last is not published: a thread that still runs the old one has a pair
// that is right or faults, and from a fault it returns synchronised. (Nor is there a barrier after
// it in litmus/pair-access-first.) Only caches are cleaned.
//
// To local, [1] first, visible to all; then no thread may be left that ran the old one: the pair of
// an old [1] (shared tag) and a new plain [2] would match shared memory and not be ordered
// (Quiescence). If a thread does not leave in time, [1] is restored: the pairs in between, old or
// new [1] with an ordered [2], are all right.
//
// To either, only [1], which becomes a branch to the memop's out-of-line form: that was complete
// before the block was published. A thread that ran the old [1] runs the ordered [2] with the
// shared tag, which is right or faults.
//
// Policy seed patches as the original idea says: [1], then [2], without synchronising the cores in
// between.
//
// What a reader may conclude from a process stopped anywhere (journal slot 0, by phase):
//
//   operation None           mode and both words agree
//   PatchMemop, Retag/Barrier  mode and words are the old ones
//   to shared, with a retag  the memory has the guard's tag until the mode is new, or a moment
//                            longer
//   to shared, PatchMemop    [1] old; [2] old or new; mode new means: [2] is new on every core
//   to shared, PatchAddress  [2] new, mode new; [1] old or new
//   to local,  PatchAddress  [2] old; [1] old or new; mode new means: [1] is new on every core
//   to local,  PatchMemop    [1] new, mode new; [2] old or new
//   to either, PatchAddress  [2] ordered; [1] old or new; mode new means: [1] is new in memory
//   seed, PatchAddress       mode old; [1] old or new; [2] old
//   seed, PatchMemop         [1] new; [2] old or new; mode new means: both are
//   Icache                   both words new in memory; other cores may still run the one written
//                            last as it was
//   Unlock                   both new in memory, and for every core that does not still run the
//                            one written last as it was; flips counted
#pragma once

#include <mtedbg/debug_root.h>

#include "code/block.h"

namespace mtetso {

struct Patch {
  const CodeBlock& block;
  mtedbg_Memop& memop;
  uint32_t mode;  // to which
  uint32_t shared_tag;
  bool alone = false;  // there is no other guest thread: synchronise this one, at the end
  // From where a word is executed to where it is written, in bytes.
  intptr_t shift = reinterpret_cast<intptr_t>(block.writable(0));

  uint32_t* writable(uintptr_t pc) const { return reinterpret_cast<uint32_t*>(pc + shift); }
};

void write_access(const Patch& patch);
void write_tag_insert(const Patch& patch);

// Which words publish() is about.
enum class Words : uint8_t { Insert, Access, Both };

// Cleans the caches of words that were written: this core's instruction stream has them, and others
// from the next event that synchronises theirs.
void clean(const Patch& patch, Words words);

// Makes them visible to every core's instruction stream now; also a full barrier on every core.
void publish(const Patch& patch, Words words);

// Between the two words: publish() of the first, then the record says the new mode.
void half_done(const Patch& patch, Words first);

// Undoes write_tag_insert() and half_done().
void undo_insert(const Patch& patch, uint32_t old_mode);

}  // namespace mtetso
