// SPDX-License-Identifier: MIT
#include "fault/resolve.h"

#include <sys/mman.h>
#include <time.h>

#include <atomic>

#include "code/block_map.h"
#include "debug/journal.h"
#include "debug/recorder.h"
#include "fault/interpret.h"
#include "fault/patch.h"
#include "fault/phase.h"
#include "memory/barriers.h"
#include "memory/tags.h"

// A function with a phase in it must exist once.
#define ONE_COPY __attribute__((noinline, noclone))

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;

template <typename T, typename V>
void put(T& field, V value) {
  std::atomic_ref(field).store(static_cast<T>(value), std::memory_order_relaxed);
}

void set_phase(uint32_t phase) { set_journal_phase(JournalSlot::Memop, phase); }

int needed_protection(uint32_t access) {
  if (access == MTEDBG_Access_Load) return PROT_READ;
  return access == MTEDBG_Access_Store ? PROT_WRITE : PROT_READ | PROT_WRITE;
}

}  // namespace

// One fault on its way. `pointer` is the memop's address register, with its logical tag: si_addr
// may lie in the middle of the access, and its bits 63:60 are undefined.
struct FaultResolver::Work {
  const FaultContext& fault;
  const CodeBlock& block;
  mtedbg_Memop& memop;
  mtedbg_GuestFrame* frame;
  uint64_t pointer;
  Situation now{};
  Decision what{};

  uint64_t granule(uint32_t index) const { return granule_of(pointer) + index * kGranule; }
  // The first granule whose tag is not the pointer's; the first one where both are.
  uint32_t culprit() const {
    return now.granules == 2 && now.tags[0] == logical_tag(pointer) ? 1 : 0;
  }
};

Resolution FaultResolver::foreign(const FaultContext& fault) const {
  record(nullptr, {.event = MTEDBG_Event_Fault,
                   .address = fault.address,
                   .old_value = logical_tag(fault.address)});
  return {};
}

ONE_COPY Resolution FaultResolver::resolve(const FaultContext& fault) {
  MTETSO_PHASE(fault, *fault.pc, fault.address);
  MTETSO_PHASE(lookup, *fault.pc, fault.address);
  const CodeBlock* block = process_code_map().lookup(*fault.pc);
  mtedbg_Memop* memop = block == nullptr ? nullptr : block->memop_at(*fault.pc);
  if (memop == nullptr) return foreign(fault);

  auto* frame = reinterpret_cast<mtedbg_GuestFrame*>(fault.registers[kFrameRegister]);
  const uint32_t state = frame->state;
  put(frame->state, MTEDBG_ThreadState_Fault);
  Work work{fault, *block, *memop, frame, fault.registers[kAddressRegister]};
  // 16 bytes must be aligned on x86 as well (CMPXCHG16B: #GP).
  const bool beyond = fault.kind == FaultKind::Other ||
                      (fault.kind == FaultKind::Alignment && memop->size == 16) ||
                      !memory_.allows(work.pointer, memop->size, needed_protection(memop->access));
  if (beyond) {
    put(frame->state, state);
    const uint64_t at = fault.kind == FaultKind::Other ? fault.address : work.pointer;
    return {Verdict::GuestFault, memop->guest_rip, strip_tag(at)};
  }
  settle(work);
  put(frame->state, state);
  MTETSO_PHASE(resume, memop, *fault.pc);
  return {Verdict::Resumed, memop->guest_rip, strip_tag(work.pointer)};
}

ONE_COPY void FaultResolver::settle(Work& work) {
  MTETSO_PHASE(lock, &work.memop, work.pointer);
  protocol_.acquire(work.frame);
  work.now = read_situation(work);
  work.what = decide(work.now);
  note_fault(work);
  if (work.what.reload) work.fault.registers[kCoreRegister] = work.now.own;
  open(work);
  retag(work);
  patch(work);
  if (work.what.interpret) access(work);
  finish(work);
  set_phase(MTEDBG_Phase_Unlock);
  MTETSO_PHASE(unlock, &work.memop, work.pointer);
  close_journal(JournalSlot::Memop);
  protocol_.release();
}

// What the memop and the tags are now, which may not be what the access met.
Situation FaultResolver::read_situation(const Work& work) const {
  Situation now;
  now.cause = work.fault.kind == FaultKind::Alignment ? Cause::Alignment : Cause::TagCheck;
  now.atomic = work.memop.access == MTEDBG_Access_ReadModifyWrite;
  now.mode = work.memop.mode;
  now.pinned = work.memop.pinned != 0;
  now.policy = policy_;
  const uint64_t last = granule_of(work.pointer + work.memop.size - 1);
  now.granules = last == work.granule(0) ? 1 : 2;
  for (uint32_t i = 0; i < now.granules; ++i) now.tags[i] = read_tag(work.granule(i));
  now.own = static_cast<uint32_t>(work.frame->host_core_id) & 0xf;
  now.register_tag = static_cast<uint32_t>(work.fault.registers[kCoreRegister]) & 0xf;
  now.shared = protocol_.shared_tag();
  return now;
}

// last_fault_time is taken away first and set last: while it is 0 the other fields are not whole.
void FaultResolver::note_fault(Work& work) const {
  mtedbg_Memop& memop = work.memop;
  const uint32_t tag = work.now.tags[work.culprit()];
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  std::atomic_ref(memop.last_fault_time).store(0, std::memory_order_seq_cst);
  put(memop.last_fault_address, strip_tag(work.pointer));
  put(memop.last_fault_logical_tag, logical_tag(work.pointer));
  put(memop.last_fault_allocation_tag, tag);
  put(memop.last_fault_core, work.now.own);
  put(memop.faults, memop.faults + 1);
  std::atomic_ref(memop.last_fault_time)
      .store(static_cast<uint64_t>(at.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(at.tv_nsec),
             std::memory_order_release);
  record(work.frame, {.event = MTEDBG_Event_Fault,
                      .memop = memop.id,
                      .address = strip_tag(work.pointer),
                      .old_value = logical_tag(work.pointer),
                      .new_value = tag});
}

void FaultResolver::open(const Work& work) {
  const Decision& what = work.what;
  uint32_t operation = MTEDBG_Operation_None;
  if (what.retags() || what.guard) operation = MTEDBG_Operation_RetagOnly;
  if (what.patch_to != 0) operation = MTEDBG_Operation_PatchMemop;
  if (operation == MTEDBG_Operation_None) return;
  const uint32_t old_tag = work.now.tags[what.retag[1] && !what.retag[0] ? 1 : 0];
  open_journal(JournalSlot::Memop,
               {.operation = operation,
                .phase = MTEDBG_Phase_Lock,
                .thread = work.frame->thread_id,
                .block = work.block.record.id,
                .memop = work.memop.id,
                .generation = protocol_.next_generation(),
                .address = strip_tag(work.pointer),
                .old_tag = old_tag,
                .new_tag = what.guard      ? guard_tag_
                           : what.retags() ? work.now.shared
                                           : old_tag,
                .old_mode = work.memop.mode,
                .new_mode = what.patch_to != 0 ? what.patch_to : work.memop.mode});
}

void FaultResolver::set_tag(const Work& work, uint32_t index, uint32_t from, uint32_t to) const {
  write_tags(work.granule(index), kGranule, to);
  record(work.frame, {.event = MTEDBG_Event_Retag,
                      .memop = work.memop.id,
                      .address = work.granule(index),
                      .old_value = from,
                      .new_value = to});
}

ONE_COPY void FaultResolver::retag(const Work& work) {
  if (work.what.retags() || work.what.guard) {
    set_phase(MTEDBG_Phase_Retag);
    MTETSO_PHASE(retag, &work.memop, work.pointer);
    const uint32_t to = work.what.guard ? guard_tag_ : work.now.shared;
    for (uint32_t i = 0; i < work.now.granules; ++i)
      if (work.what.guard || work.what.retag[i]) set_tag(work, i, work.now.tags[i], to);
  }
  if (!work.what.barrier) return;
  set_phase(MTEDBG_Phase_Barrier);
  MTETSO_PHASE(barrier, &work.memop, work.pointer);
  barrier_everywhere();
}

ONE_COPY void FaultResolver::patch(const Work& work) {
  if (work.what.patch_to == 0) return;
  const Patch change{work.block, work.memop, work.what.patch_to, work.now.shared};
  if (work.what.patch_to == MTEDBG_Mode_Shared) {
    set_phase(MTEDBG_Phase_PatchMemop);
    MTETSO_PHASE(patch_memop_shared, &work.memop, work.pointer);
    write_access(change);
    half_done(change);
    set_phase(MTEDBG_Phase_PatchAddress);
    MTETSO_PHASE(patch_address_shared, &work.memop, work.pointer);
    write_tag_insert(change);
  } else {
    set_phase(MTEDBG_Phase_PatchAddress);
    MTETSO_PHASE(patch_address_local, &work.memop, work.pointer);
    write_tag_insert(change);
    half_done(change);
    set_phase(MTEDBG_Phase_PatchMemop);
    MTETSO_PHASE(patch_memop_local, &work.memop, work.pointer);
    write_access(change);
  }
  set_phase(MTEDBG_Phase_Icache);
  MTETSO_PHASE(icache, &work.memop, work.pointer);
  publish_words(change);
  count_flip(work);
}

void FaultResolver::count_flip(const Work& work) const {
  mtedbg_Memop& memop = work.memop;
  put(memop.flips, memop.flips + 1);
  record(work.frame, {.event = MTEDBG_Event_Patch,
                      .memop = memop.id,
                      .address = memop.address,
                      .old_value = work.now.mode,
                      .new_value = work.what.patch_to});
  const bool pin = policy_ == MTEDBG_Policy_Sticky && memop.flips > pin_threshold_;
  if (!pin || memop.pinned != 0) return;
  put(memop.pinned, 1);
  record(work.frame, {.event = MTEDBG_Event_Pin, .memop = memop.id, .new_value = memop.flips});
}

void FaultResolver::access(const Work& work) const {
  const auto word = decode_access(*work.block.writable(work.memop.address));
  if (!word) return;  // cannot be: checked at commit
  if (work.what.guard)
    interpret_guarded(*word, work.pointer, work.fault.registers);
  else
    interpret(*word, work.pointer, work.fault.registers);
  if (work.what.barrier_after) barrier_everywhere();
  for (uint32_t i = 0; work.what.guard && i < work.now.granules; ++i)
    set_tag(work, i, guard_tag_, work.now.tags[i]);
}

void FaultResolver::finish(const Work& work) const {
  const mtedbg_Memop& memop = work.memop;
  const uint64_t restart = memop.tag_address != 0 ? memop.tag_address : memop.address;
  *work.fault.pc = work.what.interpret ? memop.address + kWord : restart;
  if (work.what.patch_to != 0) return;
  record(work.frame, {.event = static_cast<uint32_t>(work.what.interpret ? MTEDBG_Event_Interpret
                                                                         : MTEDBG_Event_Retry),
                      .memop = memop.id,
                      .address = strip_tag(work.pointer)});
}

}  // namespace mtetso
