// SPDX-License-Identifier: MIT
//
// Carrying out a decision, in the order of its fields. The lock is held, the journal is open.
#include "code/memop_words.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "fault/interpret.h"
#include "fault/memop_fault.h"
#include "fault/patch.h"
#include "fault/phases.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

// Each word has a phase of its own, and a place in the code, in both directions.
ONE_COPY void write_access_shared(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchMemop);
  MTETSO_PHASE(patch_memop_shared, &change.memop, pointer);
  write_access(change);
}

ONE_COPY void write_insert_shared(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchAddress);
  MTETSO_PHASE(patch_address_shared, &change.memop, pointer);
  write_tag_insert(change);
}

ONE_COPY void write_insert_local(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchAddress);
  MTETSO_PHASE(patch_address_local, &change.memop, pointer);
  write_tag_insert(change);
}

ONE_COPY void write_insert_either(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchAddress);
  MTETSO_PHASE(patch_address_either, &change.memop, pointer);
  write_tag_insert(change);
}

ONE_COPY void write_access_local(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchMemop);
  MTETSO_PHASE(patch_memop_local, &change.memop, pointer);
  write_access(change);
}

ONE_COPY void publish_last(const Patch& change, Words words, uint64_t pointer, bool everywhere) {
  set_phase(MTEDBG_Phase_Icache);
  MTETSO_PHASE(icache, &change.memop, pointer);
  if (everywhere)
    publish(change, words);
  else
    clean(change, words);
}

}  // namespace

inline void FaultResolver::count_flip(const MemopFault& fault, uint32_t patched_to) const {
  mtedbg_Memop& memop = fault.memop;
  const uint32_t flips = memop.flips + 1;
  put(memop.flips, flips);
  if (patched_to != 0) {
    record_at(fault.time, fault.frame,
              {.event = MTEDBG_Event_Patch,
               .memop = memop.id,
               .address = memop.address,
               .old_value = fault.now.mode,
               .new_value = patched_to});
  }
  const uint32_t policy = rules_.decision.policy;
  const bool pins = policy != MTEDBG_Policy_Seed && policy != MTEDBG_Policy_Follow;
  if (!pins || flips <= rules_.pin_threshold || memop.pinned != 0) return;
  put(memop.pinned, 1);
  record_at(fault.time, fault.frame,
            {.event = MTEDBG_Event_Pin, .memop = memop.id, .new_value = flips});
}

void FaultResolver::set_tags(const MemopFault& fault, uint32_t to) const {
  for (uint32_t i = 0; i < fault.now.granules; ++i)
    if (fault.what.guard || fault.what.retag[i]) write_tags(fault.granule(i), kGranule, to);
}

void FaultResolver::note_retag(const MemopFault& fault, bool back) const {
  const uint32_t to = fault.what.guard ? rules_.guard_tag : fault.new_tag();
  for (uint32_t i = 0; i < fault.now.granules; ++i) {
    if (!fault.what.guard && !fault.what.retag[i]) continue;
    record_at(fault.time, fault.frame,
              {.event = MTEDBG_Event_Retag,
               .memop = fault.memop.id,
               .address = fault.granule(i),
               .old_value = back ? to : fault.now.tags[i],
               .new_value = back ? fault.now.tags[i] : to});
  }
}

// By way of the guard tag (memory/protocol.h), except for seed, which has no barrier either. Where
// the memop is patched to shared as well, the barrier that comes with [2] is the second one, and
// the new tag is written after it.
ONE_COPY void FaultResolver::retag(const MemopFault& fault) {
  const Decision& what = fault.what;
  if (what.retags() || what.guard) {
    set_phase(MTEDBG_Phase_Retag);
    MTETSO_PHASE(retag, &fault.memop, fault.pointer);
    set_tags(fault, what.barrier ? rules_.guard_tag : fault.new_tag());
    note_retag(fault, false);
    point(Point::PatchRetag);
  }
  if (what.claim && what.patch_to == 0) count_flip(fault, 0);
  if (!what.barrier) return;
  set_phase(MTEDBG_Phase_Barrier);
  MTETSO_PHASE(barrier, &fault.memop, fault.pointer);
  if (!fault.alone) {
    if ((what.retags() || what.guard) && !fault.settles_with_patch())
      settle_accesses();
    else
      barrier_everywhere();
  }
  if (what.retags() && !fault.settles_with_patch()) set_tags(fault, fault.new_tag());
  point(Point::PatchBarrier);
}

inline bool FaultResolver::patch(const MemopFault& fault) {
  const uint32_t mode = fault.what.patch_to;
  const Patch change{fault.block, fault.memop, mode, fault.now.shared, fault.alone};
  const uint64_t pointer = fault.pointer;
  Words last = Words::Both;
  if (fault.what.as_written) {
    if (change.mode == MTEDBG_Mode_Shared) {
      write_insert_shared(change, pointer);
      point(Point::PatchHalf);
      write_access_shared(change, pointer);
    } else {
      write_insert_local(change, pointer);
      point(Point::PatchHalf);
      write_access_local(change, pointer);
    }
    put(fault.memop.mode, change.mode);
  } else if (change.mode == MTEDBG_Mode_Either) {
    write_insert_either(change, pointer);
    point(Point::PatchHalf);
    put(fault.memop.mode, change.mode);
    point(Point::PatchMode);
    last = Words::Insert;
  } else if (change.mode == MTEDBG_Mode_Shared) {
    write_access_shared(change, pointer);
    point(Point::PatchHalf);
    half_done(change, Words::Access);
    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());
    point(Point::PatchMode);
    write_insert_shared(change, pointer);
    if (!fault.alone) last = Words::Insert;
  } else {
    write_insert_local(change, pointer);
    point(Point::PatchHalf);
    half_done(change, Words::Insert);
    point(Point::PatchMode);
    if (fault.what.quiesce && !protocol_.quiescence().wait(fault.frame)) {
      undo_insert(change, fault.now.mode);
      return false;
    }
    write_access_local(change, pointer);
    if (!fault.alone) last = Words::Access;
  }
  point(Point::PatchWords);
  publish_last(change, last, pointer, fault.what.as_written || change.mode == MTEDBG_Mode_Either);
  count_flip(fault, mode);
  return true;
}

void FaultResolver::access(const MemopFault& fault) const {
  const auto word = decode_access(*fault.block.writable(fault.memop.address));
  if (!word) return;  // cannot be: checked at commit
  if (fault.what.guard)
    interpret_guarded(*word, fault.pointer, fault.context.registers);
  else
    interpret(*word, fault.pointer, fault.context.registers);
  if (fault.what.barrier_after && !fault.alone) barrier_everywhere();
  if (!fault.what.guard) return;
  for (uint32_t i = 0; i < fault.now.granules; ++i)
    write_tags(fault.granule(i), kGranule, fault.now.tags[i]);
  note_retag(fault, true);
}

void FaultResolver::act(const MemopFault& fault) {
  if (fault.what.retags() || fault.what.barrier) retag(fault);
  if (fault.what.patch_to != 0 && !patch(fault)) {
    // A thread may be between the two words and did not leave in time: decide without weakening.
    fault.now.may_weaken = false;
    fault.what = decide(fault.now);
    open(fault);
    retag(fault);
  }
  if (fault.what.interpret) access(fault);
}

}  // namespace mtetso
