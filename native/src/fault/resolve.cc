// SPDX-License-Identifier: MIT
#include "fault/resolve.h"

#include <sys/mman.h>

#include "code/block_map.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "debug/threads.h"
#include "fault/phases.h"
#include "fault/work.h"

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;

// Where a memop begins: with its tag insert [1], or with what reads the core id before it.
uint64_t restart_of(const mtedbg_Memop& memop) {
  if (memop.restart_address != 0) return memop.restart_address;
  return memop.tag_address != 0 ? memop.tag_address : memop.address;
}

int needed_protection(uint32_t access) {
  if (access == MTEDBG_Access_Load) return PROT_READ;
  return access == MTEDBG_Access_Store ? PROT_WRITE : PROT_READ | PROT_WRITE;
}

}  // namespace

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
  mtedbg_Memop* memop = block == nullptr ? nullptr : block->memop_of_fault(*fault.pc);
  if (memop == nullptr) return foreign(fault);

  auto* frame = reinterpret_cast<mtedbg_GuestFrame*>(fault.registers[kFrameRegister]);
  const uint32_t state = frame->state;
  put(frame->state, MTEDBG_ThreadState_Fault);
  Work work{fault, *block, *memop, frame, fault.registers[kAddressRegister]};
  work.protection = memory_.protection(work.pointer, memop->size);
  const int needed = needed_protection(memop->access);
  // 16 bytes must be aligned on x86 as well (CMPXCHG16B: #GP).
  // [1] takes the tag bits of a pointer away; where there is none such a pointer is no address.
  const bool tagged = memop->tag_address == 0 && strip_tag(work.pointer) != work.pointer;
  const bool beyond = fault.kind == FaultKind::Other || tagged ||
                      (fault.kind == FaultKind::Alignment && memop->size == 16) ||
                      (work.protection & needed) != needed;
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
  point(Point::PatchLocked);
  note_core(work.frame);
  work.time = monotonic_now();
  work.alone = only_guest_thread();
  work.now = read_situation(work);
  work.what = decide(work.now);
  note_fault(work);
  open(work);
  point(Point::PatchJournal);
  act(work);
  finish(work);
  point(Point::PatchDone);
  set_phase(MTEDBG_Phase_Unlock);
  MTETSO_PHASE(unlock, &work.memop, work.pointer);
  close_journal(JournalSlot::Memop);
  protocol_.release();
  point(Point::PatchUnlocked);
}

// What the memop and the tags are now, which may not be what the access met.
Situation FaultResolver::read_situation(const Work& work) const {
  Situation now;
  now.cause = work.fault.kind == FaultKind::Alignment ? Cause::Alignment : Cause::TagCheck;
  now.atomic = work.memop.access == MTEDBG_Access_ReadModifyWrite;
  now.mode = work.memop.mode;
  // Without [1] it has no core's tag to give: it is shared for good.
  now.pinned = work.memop.pinned != 0 || work.memop.tag_address == 0;
  now.rules = rules_.decide;
  now.faults = work.memop.faults;
  const uint64_t last = granule_of(work.pointer + work.memop.size - 1);
  now.granules = last == work.granule(0) ? 1 : 2;
  for (uint32_t i = 0; i < now.granules; ++i) now.tags[i] = read_tag(work.granule(i));
  now.own = static_cast<uint32_t>(work.frame->host_core_id) & 0xf;
  now.register_tag = static_cast<uint32_t>(work.fault.registers[kCoreRegister]) & 0xf;
  now.shared = protocol_.shared_tag();
  now.owns = protocol_.owns(now.own);
  now.writable = (work.protection & PROT_WRITE) != 0;
  return now;
}

// last_fault_time is taken away first and set last: while it is 0 the other fields are not whole.
void FaultResolver::note_fault(Work& work) const {
  mtedbg_Memop& memop = work.memop;
  const uint32_t tag = work.now.tags[work.culprit()];
  std::atomic_ref(memop.last_fault_time).store(0, std::memory_order_seq_cst);
  put(memop.last_fault_address, strip_tag(work.pointer));
  put(memop.last_fault_logical_tag, logical_tag(work.pointer));
  put(memop.last_fault_allocation_tag, tag);
  put(memop.last_fault_core, work.now.own);
  put(memop.faults, memop.faults + 1);
  std::atomic_ref(memop.last_fault_time).store(work.time, std::memory_order_release);
  record(work.frame, {.event = MTEDBG_Event_Fault,
                      .memop = memop.id,
                      .address = strip_tag(work.pointer),
                      .old_value = logical_tag(work.pointer),
                      .new_value = tag,
                      .time = work.time});
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
                .new_tag = what.guard      ? rules_.guard_tag
                           : what.retags() ? work.new_tag()
                                           : old_tag,
                .old_mode = work.memop.mode,
                .new_mode = what.patch_to != 0 ? what.patch_to : work.memop.mode});
}

void FaultResolver::finish(const Work& work) const {
  const mtedbg_Memop& memop = work.memop;
  *work.fault.pc = work.what.interpret ? memop.address + kWord : restart_of(memop);
  if (work.what.patch_to != 0) return;
  record(work.frame, {.event = static_cast<uint32_t>(work.what.interpret ? MTEDBG_Event_Interpret
                                                                         : MTEDBG_Event_Retry),
                      .memop = memop.id,
                      .address = strip_tag(work.pointer),
                      .time = work.time});
}

}  // namespace mtetso
