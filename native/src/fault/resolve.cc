// SPDX-License-Identifier: MIT
#include "fault/resolve.h"

#include <sys/mman.h>

#include <optional>
#include <utility>

#include "code/block_map.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "debug/threads.h"
#include "debug/trace.h"
#include "fault/interpret.h"
#include "fault/memop_fault.h"
#include "fault/phases.h"

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;

// Where a memop begins: with its tag insert [1], or with what reads the core id before it.
uint64_t restart_of(const mtedbg_Memop& memop) {
  if (memop.restart_address != 0) return memop.restart_address;
  return memop.tag_address != 0 ? memop.tag_address : memop.address;
}

bool memop_writes(const mtedbg_Memop& memop) { return memop.access != MTEDBG_Access_Load; }

int needed_protection(uint32_t access) {
  if (access == MTEDBG_Access_Load) return PROT_READ;
  return access == MTEDBG_Access_Store ? PROT_WRITE : PROT_READ | PROT_WRITE;
}

// For a trace: the memop by its guest instruction, as profiles have it.
void trace_fault(const CodeBlock& block, const mtedbg_Memop& memop, uint64_t pointer,
                 const Situation& now, uint64_t thread) {
  uint64_t ordinal = 0;
  const mtedbg_Memop* before = &memop;
  while (before != block.memops.data() && (--before)->guest_rip == memop.guest_rip) ++ordinal;
  trace({.kind = TraceKind::Faulted,
         .thread = static_cast<uint32_t>(thread),
         .core = now.own,
         .event = now.mode,
         .memop = memop.id,
         .address = strip_tag(pointer),
         .first = memop.guest_rip,
         .second = ordinal});
}

}  // namespace

Resolution FaultResolver::foreign(const FaultContext& context) const {
  record(nullptr, {.event = MTEDBG_Event_Fault,
                   .address = context.address,
                   .old_value = logical_tag(context.address)});
  return {};
}

// A page that code was made from is read-only until it is written (memory/code_pages.h). Its memory
// is shared, so the access may be done here, with barriers before and behind it. One that reaches
// into other memory, or is locked and crosses granules, is done again by the thread: false, too, if
// the access has another fault.
bool FaultResolver::writes_code(MemopFault& fault) {
  CodePages& code = memory_.code_pages();
  const mtedbg_Memop& memop = fault.memop;
  const uint64_t last = fault.pointer + memop.size - 1;
  if (!memop_writes(memop) || !code.covers(fault.pointer, memop.size)) return false;
  if (fault.context.kind != FaultKind::Other && !code.holds(fault.pointer, memop.size))
    return false;
  const bool crosses = granule_of(last) != fault.granule(0);
  fault.what.interpret = code.covers(fault.pointer, 1) && code.covers(last, 1) &&
                         !(crosses && memop.access == MTEDBG_Access_ReadModifyWrite);
  const bool done = code.write(fault.frame, fault.pointer, memop.size, [&] {
    if (fault.what.interpret) access(fault);
  });
  if (!done) return false;
  resume_after(fault);
  record(fault.frame, {.event = static_cast<uint32_t>(fault.what.interpret ? MTEDBG_Event_Interpret
                                                                           : MTEDBG_Event_Retry),
                       .memop = memop.id,
                       .address = strip_tag(fault.pointer)});
  return true;
}

// Memory that is shared with what knows no tags (memory/region_map.h): the access is done here, in
// order, where the host has it.
Resolution FaultResolver::outside(const MemopFault& fault, uint64_t host, uint32_t state) const {
  const mtedbg_Memop& memop = fault.memop;
  if (const auto word = decode_access(*fault.block.writable(memop.address)))
    interpret(*word, host, fault.context.registers);
  *fault.context.pc = memop.address + kWord;
  put(fault.frame->state, state);
  return {Verdict::Resumed, memop.guest_rip, strip_tag(fault.pointer)};
}

// The memop and the tags as they are now; they may have changed since the access.
inline void FaultResolver::read_situation(MemopFault& fault) const {
  Situation& now = fault.now;
  now.cause = fault.context.kind == FaultKind::Alignment ? Cause::Alignment : Cause::TagCheck;
  now.atomic = fault.memop.access == MTEDBG_Access_ReadModifyWrite;
  now.mode = fault.memop.mode;
  // Without [1] it cannot use a core's tag: it stays shared.
  now.pinned = fault.memop.pinned != 0 || fault.memop.tag_address == 0;
  now.has_out_of_line = fault.memop.out_address != 0;
  now.rules = rules_.decision;
  now.faults = fault.memop.faults;
  const uint64_t last = granule_of(fault.pointer + fault.memop.size - 1);
  now.tags[0] = read_tag(fault.granule(0));
  if (last != fault.granule(0)) {
    now.granules = 2;
    now.tags[1] = read_tag(last);
  }
  now.own = static_cast<uint32_t>(fault.frame->host_core_id) & 0xf;
  now.register_tag = static_cast<uint32_t>(fault.context.registers[kCoreRegister]) & 0xf;
  now.shared = protocol_.shared_tag();
  now.owns = protocol_.owns(now.own);
  // Only then can its tag be changed.
  now.writable = (fault.protection & PROT_WRITE) != 0 &&
                 !memory_.code_pages().covers(fault.pointer, fault.memop.size);
}

// last_fault_time is cleared first and set last: while it is 0 the other fields are incomplete.
inline void FaultResolver::note_fault(MemopFault& fault) const {
  mtedbg_Memop& memop = fault.memop;
  const uint32_t tag = fault.now.tags[fault.culprit()], core = fault.now.own;
  const uint64_t pointer = fault.pointer, time = fault.time;
  if (tracing()) trace_fault(fault.block, memop, pointer, fault.now, fault.frame->thread_id);
  std::atomic_ref(memop.last_fault_time).store(0, std::memory_order_seq_cst);
  put(memop.last_fault_address, strip_tag(pointer));
  put(memop.last_fault_logical_tag, logical_tag(pointer));
  put(memop.last_fault_allocation_tag, tag);
  put(memop.last_fault_core, core);
  put(memop.faults, memop.faults + 1);
  std::atomic_ref(memop.last_fault_time).store(time, std::memory_order_release);
  record_at(time, fault.frame,
            {.event = MTEDBG_Event_Fault,
             .memop = memop.id,
             .address = strip_tag(pointer),
             .old_value = logical_tag(pointer),
             .new_value = tag});
}

void FaultResolver::open(const MemopFault& fault) {
  const Decision& what = fault.what;
  uint32_t operation = MTEDBG_Operation_None;
  if (what.retags() || what.guard) operation = MTEDBG_Operation_RetagOnly;
  if (what.patch_to != 0) operation = MTEDBG_Operation_PatchMemop;
  if (operation == MTEDBG_Operation_None) return;
  const uint32_t old_tag = fault.now.tags[what.retag[1] && !what.retag[0] ? 1 : 0];
  open_journal(JournalSlot::Memop,
               {.operation = operation,
                .phase = MTEDBG_Phase_Lock,
                .thread = fault.frame->thread_id,
                .block = fault.block.record.id,
                .memop = fault.memop.id,
                .generation = protocol_.next_generation(),
                .address = strip_tag(fault.pointer),
                .old_tag = old_tag,
                .new_tag = what.guard      ? rules_.guard_tag
                           : what.retags() ? fault.new_tag()
                                           : old_tag,
                .old_mode = fault.memop.mode,
                .new_mode = what.patch_to != 0 ? what.patch_to : fault.memop.mode});
}

void FaultResolver::resume_after(const MemopFault& fault) {
  const mtedbg_Memop& memop = fault.memop;
  *fault.context.pc = fault.what.interpret ? memop.address + kWord : restart_of(memop);
}

inline void FaultResolver::finish(const MemopFault& fault) const {
  const mtedbg_Memop& memop = fault.memop;
  resume_after(fault);
  if (fault.what.patch_to != 0) return;
  const uint32_t event = fault.what.interpret ? MTEDBG_Event_Interpret : MTEDBG_Event_Retry;
  record_at(fault.time, fault.frame,
            {.event = event, .memop = memop.id, .address = strip_tag(fault.pointer)});
}

ONE_COPY void FaultResolver::settle(MemopFault& fault) {
  MTETSO_PHASE(lock, &fault.memop, fault.pointer);
  protocol_.acquire(fault.frame);
  point(Point::PatchLocked);
  note_core(fault.frame);
  fault.time = monotonic_now();
  fault.alone = only_guest_thread();
  read_situation(fault);
  fault.what = decide(fault.now);
  // Code was made from the page in the meantime: the store comes here again.
  if (memop_writes(fault.memop) && memory_.code_pages().holds(fault.pointer, fault.memop.size))
    fault.what = {.reload = fault.what.reload};
  note_fault(fault);
  open(fault);
  point(Point::PatchJournal);
  act(fault);
  finish(fault);
  point(Point::PatchDone);
  set_phase(MTEDBG_Phase_Unlock);
  MTETSO_PHASE(unlock, &fault.memop, fault.pointer);
  close_journal(JournalSlot::Memop);
  protocol_.release();
  point(Point::PatchUnlocked);
}

// What the guest may do there. A page that does not allow the access gives a fault of its own, not
// that of a tag check (Arm ARM, AArch64.MemSingle: translation comes before CheckTag); of an access
// that touches two pages only one has been found to allow it. A claim asks for more than the
// access.
inline int FaultResolver::protection(const MemopFault& fault, const GuestMemory::Still& still,
                                     int needed) const {
  constexpr uint64_t kPage = 4096;  // the smallest that there are
  const uint64_t last = fault.pointer + fault.memop.size - 1;
  const bool allowed = fault.context.kind == FaultKind::TagCheck &&
                       (fault.pointer ^ last) < kPage && rules_.decision.claim_threshold == 0;
  return allowed ? needed | Regions::kReady : still.protection(fault.pointer, fault.memop.size);
}

ONE_COPY Resolution FaultResolver::resolve(const FaultContext& context) {
  MTETSO_PHASE(fault, *context.pc, context.address);
  MTETSO_PHASE(lookup, *context.pc, context.address);
  const CodeBlock* block = process_code_map().lookup(*context.pc);
  mtedbg_Memop* memop = block == nullptr ? nullptr : block->memop_of_fault(*context.pc);
  if (memop == nullptr) return foreign(context);

  auto* frame = reinterpret_cast<mtedbg_GuestFrame*>(context.registers[kFrameRegister]);
  const uint32_t state = frame->state;
  put(frame->state, MTEDBG_ThreadState_Fault);
  MemopFault fault{context, *block, *memop, frame, context.registers[kAddressRegister]};
  const int needed = needed_protection(memop->access);
  // The map of the memory stays as it is until the fault is resolved.
  std::optional<GuestMemory::Still> still(std::in_place, memory_);
  fault.protection = protection(fault, *still, needed);
  // 16 bytes must be aligned on x86 as well (CMPXCHG16B: #GP).
  // [1] overwrites the tag bits of a pointer; without [1] a pointer with tag bits is not an
  // address.
  const bool tagged = memop->tag_address == 0 && strip_tag(fault.pointer) != fault.pointer;
  const bool beyond = context.kind == FaultKind::Other || tagged ||
                      (context.kind == FaultKind::Alignment && memop->size == 16) ||
                      (fault.protection & needed) != needed;
  if (!tagged && (fault.protection & needed) == needed) {
    bool touched = false;
    if ((fault.protection & Regions::kReady) == 0) {
      // Memory that nobody has touched gets its owner; the access is done again.
      touched = still->touch(frame, fault.pointer, memop->size);
      if (const uint64_t host = still->outside(fault.pointer, memop->size); host != 0)
        return outside(fault, host, state);
    }
    // Another thread may have mapped it in the meantime; once for each change of the map.
    static thread_local uint64_t seen_changes = 0;
    const bool changed = std::exchange(seen_changes, still->changes()) != still->changes();
    if (context.kind == FaultKind::Other && (touched || changed)) {
      *context.pc = restart_of(*memop);
      put(frame->state, state);
      return {Verdict::Resumed, memop->guest_rip, strip_tag(fault.pointer)};
    }
    if (memory_.code_pages().covers(fault.pointer, memop->size)) {
      // It may have to wait for threads that wait for the map.
      still.reset();
      if (writes_code(fault)) {
        put(frame->state, state);
        return {Verdict::Resumed, memop->guest_rip, strip_tag(fault.pointer)};
      }
      still.emplace(memory_);
    }
  }
  if (beyond) {
    put(frame->state, state);
    const uint64_t at = context.kind == FaultKind::Other ? context.address : fault.pointer;
    return {Verdict::GuestFault, memop->guest_rip, strip_tag(at)};
  }
  settle(fault);
  put(frame->state, state);
  MTETSO_PHASE(resume, memop, *context.pc);
  return {Verdict::Resumed, memop->guest_rip, strip_tag(fault.pointer)};
}

}  // namespace mtetso
