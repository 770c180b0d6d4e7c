// SPDX-License-Identifier: MIT
//
// Carrying out a decision, in the order of its fields. The lock is held, the journal is open.
#include "code/memop_words.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "fault/interpret.h"
#include "fault/patch.h"
#include "fault/phases.h"
#include "fault/work.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

constexpr uint32_t kShared = MTEDBG_Mode_Shared;

// Each word has its phase, and a place in the code, for either direction.
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

ONE_COPY void write_access_local(const Patch& change, uint64_t pointer) {
  set_phase(MTEDBG_Phase_PatchMemop);
  MTETSO_PHASE(patch_memop_local, &change.memop, pointer);
  write_access(change);
}

ONE_COPY void publish_last(const Patch& change, Words words, uint64_t pointer) {
  set_phase(MTEDBG_Phase_Icache);
  MTETSO_PHASE(icache, &change.memop, pointer);
  publish(change, words);
}

}  // namespace

void FaultResolver::act(Work& work) {
  if (work.what.reload) work.fault.registers[kCoreRegister] = work.now.own;
  retag(work);
  if (!patch(work)) {
    // Somebody may be between the two words, and does not come out: the way without weakening.
    work.now.may_weaken = false;
    work.what = decide(work.now);
    open(work);
    retag(work);
  }
  if (work.what.interpret) access(work);
}

void FaultResolver::set_tags(const Work& work, uint32_t to) const {
  for (uint32_t i = 0; i < work.now.granules; ++i)
    if (work.what.guard || work.what.retag[i]) write_tags(work.granule(i), kGranule, to);
}

void FaultResolver::note_retag(const Work& work, bool back) const {
  const uint32_t to = work.what.guard ? rules_.guard_tag : work.new_tag();
  for (uint32_t i = 0; i < work.now.granules; ++i) {
    if (!work.what.guard && !work.what.retag[i]) continue;
    record(work.frame, {.event = MTEDBG_Event_Retag,
                        .memop = work.memop.id,
                        .address = work.granule(i),
                        .old_value = back ? to : work.now.tags[i],
                        .new_value = back ? work.now.tags[i] : to,
                        .time = work.time});
  }
}

// Over the guard's tag (memory/protocol.h), but for seed, which has no barrier either.
ONE_COPY void FaultResolver::retag(const Work& work) {
  const Decision& what = work.what;
  if (what.retags() || what.guard) {
    set_phase(MTEDBG_Phase_Retag);
    MTETSO_PHASE(retag, &work.memop, work.pointer);
    set_tags(work, what.barrier ? rules_.guard_tag : work.new_tag());
    note_retag(work, false);
    point(Point::PatchRetag);
  }
  if (what.claim && what.patch_to == 0) count_flip(work);
  if (!what.barrier) return;
  set_phase(MTEDBG_Phase_Barrier);
  MTETSO_PHASE(barrier, &work.memop, work.pointer);
  if (!work.alone) {
    if (what.retags() || what.guard)
      settle_accesses();
    else
      barrier_everywhere();
  }
  if (what.retags()) set_tags(work, work.new_tag());
  point(Point::PatchBarrier);
}

bool FaultResolver::patch(const Work& work) {
  if (work.what.patch_to == 0) return true;
  const Patch change{work.block, work.memop, work.what.patch_to, work.now.shared, work.alone};
  const uint64_t pointer = work.pointer;
  Words last = Words::Both;
  if (work.what.as_written) {
    if (change.mode == kShared) {
      write_insert_shared(change, pointer);
      point(Point::PatchHalf);
      write_access_shared(change, pointer);
    } else {
      write_insert_local(change, pointer);
      point(Point::PatchHalf);
      write_access_local(change, pointer);
    }
    put(work.memop.mode, change.mode);
  } else if (change.mode == kShared) {
    write_access_shared(change, pointer);
    point(Point::PatchHalf);
    half_done(change, Words::Access);
    point(Point::PatchMode);
    write_insert_shared(change, pointer);
    if (!work.alone) last = Words::Insert;
  } else {
    write_insert_local(change, pointer);
    point(Point::PatchHalf);
    half_done(change, Words::Insert);
    point(Point::PatchMode);
    if (work.what.quiesce && !protocol_.quiescence().wait(work.frame)) {
      undo_insert(change, work.now.mode);
      return false;
    }
    write_access_local(change, pointer);
    if (!work.alone) last = Words::Access;
  }
  point(Point::PatchWords);
  publish_last(change, last, pointer);
  count_flip(work);
  return true;
}

void FaultResolver::count_flip(const Work& work) const {
  mtedbg_Memop& memop = work.memop;
  put(memop.flips, memop.flips + 1);
  if (work.what.patch_to != 0) {
    record(work.frame, {.event = MTEDBG_Event_Patch,
                        .memop = memop.id,
                        .address = memop.address,
                        .old_value = work.now.mode,
                        .new_value = work.what.patch_to,
                        .time = work.time});
  }
  const bool pins = rules_.decide.policy != MTEDBG_Policy_Seed;
  if (!pins || memop.flips <= rules_.pin_threshold || memop.pinned != 0) return;
  put(memop.pinned, 1);
  record(
      work.frame,
      {.event = MTEDBG_Event_Pin, .memop = memop.id, .new_value = memop.flips, .time = work.time});
}

void FaultResolver::access(const Work& work) const {
  const auto word = decode_access(*work.block.writable(work.memop.address));
  if (!word) return;  // cannot be: checked at commit
  if (work.what.guard)
    interpret_guarded(*word, work.pointer, work.fault.registers);
  else
    interpret(*word, work.pointer, work.fault.registers);
  if (work.what.barrier_after && !work.alone) barrier_everywhere();
  if (!work.what.guard) return;
  for (uint32_t i = 0; i < work.now.granules; ++i)
    write_tags(work.granule(i), kGranule, work.now.tags[i]);
  note_retag(work, true);
}

}  // namespace mtetso
