// SPDX-License-Identifier: MIT
#include "fault/resolve.h"

#include <sys/mman.h>

#include <utility>

#include "code/block_map.h"
#include "debug/points.h"
#include "debug/recorder.h"
#include "debug/threads.h"
#include "debug/trace.h"
#include "fault/interpret.h"
#include "fault/memop_fault.h"
#include "fault/phases.h"
#include "memory/file_end.h"

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;

// Where a memop begins: with its tag insert [1], or with what reads the core id before it.
uint64_t restart_of(const mtedbg_Memop& memop) {
  if (memop.restart_address != 0) return memop.restart_address;
  return memop.tag_address != 0 ? memop.tag_address : memop.address;
}

// Of its tags, or of how it may be accessed: not of what is mapped there.
bool of_memory_itself(FaultKind kind) {
  return kind == FaultKind::TagCheck || kind == FaultKind::Alignment;
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

// The memop and the tags as they are now; they may have changed since the access.
inline Situation FaultResolver::situation(const FaultedAccess& fault, int protection) const {
  const mtedbg_Memop& memop = fault.memop;
  const uint64_t first = fault.granule(0);
  const uint64_t last = granule_of(fault.pointer + memop.size - 1);
  const bool two = first != last;
  const uint32_t own = static_cast<uint32_t>(fault.frame->host_core_id) & 0xf;
  const bool misaligned = fault.context.kind == FaultKind::Alignment;
  // A granule whose check failed has a tag. Another one that the guest cannot write has no owner:
  // it has the shared tag, or none, which reads as 0.
  const auto tag_of = [&](uint64_t granule) {
    const bool owned = !(two || misaligned) || memory_.allows(granule, 1, PROT_WRITE);
    return owned ? read_tag(granule) : protocol_.shared_tag();
  };
  return {.cause = misaligned ? Cause::Alignment : Cause::TagCheck,
          .mode = memop.mode,
          // Without [1] it cannot use a core's tag: it stays shared.
          .pinned = memop.pinned != 0 || memop.tag_address == 0,
          .rules = rules_.decision,
          .granules = two ? 2u : 1u,
          .tags = {tag_of(first), two ? tag_of(last) : 0},
          .own = own,
          .register_tag = static_cast<uint32_t>(fault.context.registers[kCoreRegister]) & 0xf,
          .shared = protocol_.shared_tag(),
          .owns = protocol_.owns(own),
          // Only then can its tag be changed.
          .writable = (protection & PROT_WRITE) != 0 && (protection & Regions::kPrivate) != 0 &&
                      !memory_.code_pages().covers(fault.pointer, memop.size),
          .atomic = memop.access == MTEDBG_Access_ReadModifyWrite,
          .faults = memop.faults,
          .has_out_of_line = memop.out_address != 0};
}

// last_fault_time is cleared first and set last: while it is 0 the other fields are incomplete.
inline void FaultResolver::note_fault(const FaultedAccess& fault, const Situation& now,
                                      uint64_t time) const {
  mtedbg_Memop& memop = fault.memop;
  const uint64_t pointer = fault.pointer;
  // Of the first granule whose tag is not the pointer's; of the first one if there is none.
  const bool second = now.granules == 2 && now.tags[0] == logical_tag(pointer);
  const uint32_t tag = now.tags[second ? 1 : 0];
  if (tracing()) trace_fault(fault.block, memop, pointer, now, fault.frame->thread_id);
  std::atomic_ref(memop.last_fault_time).store(0, std::memory_order_seq_cst);
  put(memop.last_fault_address, strip_tag(pointer));
  put(memop.last_fault_logical_tag, logical_tag(pointer));
  put(memop.last_fault_allocation_tag, tag);
  put(memop.last_fault_core, now.own);
  put(memop.faults, now.faults + 1);
  std::atomic_ref(memop.last_fault_time).store(time, std::memory_order_release);
  record_at(time, fault.frame,
            {.event = MTEDBG_Event_Fault,
             .memop = memop.id,
             .address = strip_tag(pointer),
             .old_value = logical_tag(pointer),
             .new_value = tag});
}

void FaultResolver::open(const MemopFault& fault) {
  const Situation& now = fault.now;
  const Decision& what = fault.what;
  const bool patches = what.patch_to != 0;
  if (!patches && !what.retags() && !what.guard) return;
  uint32_t old_tag = now.tags[0], new_tag = old_tag;
  if (what.retags()) {
    old_tag = now.tags[what.retag[0] ? 0 : 1];
    new_tag = fault.new_tag();
  }
  if (what.guard) new_tag = rules_.guard_tag;
  open_journal(JournalSlot::Memop,
               {.operation = static_cast<uint32_t>(patches ? MTEDBG_Operation_PatchMemop
                                                           : MTEDBG_Operation_RetagOnly),
                .phase = MTEDBG_Phase_Lock,
                .thread = fault.frame->thread_id,
                .block = fault.block.record.id,
                .memop = fault.memop.id,
                .generation = protocol_.next_generation(),
                .address = strip_tag(fault.pointer),
                .old_tag = old_tag,
                .new_tag = new_tag,
                .old_mode = now.mode,
                .new_mode = patches ? what.patch_to : now.mode});
}

inline void FaultResolver::resume_after(const FaultedAccess& fault, bool interpreted) {
  *fault.context.pc = interpreted ? fault.memop.address + kWord : restart_of(fault.memop);
}

// One caller: it is part of resolve(), and its phases are there once.
inline __attribute__((always_inline)) void FaultResolver::settle(const FaultedAccess& access,
                                                                 int protection) {
  mtedbg_Memop& memop = access.memop;
  mtedbg_GuestFrame* const frame = access.frame;
  const uint64_t pointer = access.pointer;
  MTETSO_PHASE(lock, &memop, pointer);
  protocol_.acquire(frame);
  point(Point::PatchLocked);
  note_core(frame);
  const uint64_t time = monotonic_now();
  Situation now = situation(access, protection);
  Decision what = decide(now);
  // Code was made from the page in the meantime: the store comes here again.
  if (memop_writes(memop) && memory_.code_pages().holds(pointer, memop.size))
    what = {.reload = what.reload};
  note_fault(access, now, time);
  if (what.reload) access.context.registers[kCoreRegister] = now.own;
  if (what.acts()) {
    const MemopFault fault{access, time, only_guest_thread(), now, what};
    open(fault);
    point(Point::PatchJournal);
    act(fault);
  }
  resume_after(access, what.interpret);
  if (what.patch_to == 0) {
    const uint32_t event = what.interpret ? MTEDBG_Event_Interpret : MTEDBG_Event_Retry;
    record_at(time, frame, {.event = event, .memop = memop.id, .address = strip_tag(pointer)});
  }
  point(Point::PatchDone);
  set_phase(MTEDBG_Phase_Unlock);
  MTETSO_PHASE(unlock, &memop, pointer);
  close_journal(JournalSlot::Memop);
  protocol_.release();
  point(Point::PatchUnlocked);
}

// What is not an access even where there is memory: on x86, too, 16 bytes must be aligned
// (CMPXCHG16B: #GP); and [1] overwrites the tag bits of a pointer, without [1] one that has some is
// no address.
inline bool FaultResolver::refused(const FaultedAccess& fault) {
  const mtedbg_Memop& memop = fault.memop;
  if (memop.tag_address == 0 && strip_tag(fault.pointer) != fault.pointer) return true;
  return fault.context.kind == FaultKind::Alignment && memop.size == 16;
}

// What the guest may do there, PROT_ bits, if the fault is one of a tag or of alignment, on memory
// that has an owner, and the guest may do what it did; otherwise PROT_NONE.
//
// A page that does not allow the access gives a fault of its own, not that of a tag check (Arm ARM,
// AArch64.MemSingle: translation comes before CheckTag): where the map stays as it is, that need
// not be asked. Of an access that touches two pages only one has been found to allow it. A claim
// asks for more than the access.
inline int FaultResolver::ready(const FaultedAccess& fault, const GuestMemory::Still& still) const {
  const mtedbg_Memop& memop = fault.memop;
  if (!of_memory_itself(fault.context.kind) || refused(fault)) return PROT_NONE;
  int protection = needed_protection(memop.access);
  constexpr uint64_t kPage = 4096;  // the smallest that there are
  const bool known = fault.context.kind == FaultKind::TagCheck &&
                     (fault.pointer ^ (fault.pointer + memop.size - 1)) < kPage &&
                     rules_.decision.claim_threshold == 0 && !still.may_have_changed();
  if (!known) {
    const int needed = protection | Regions::kReady;
    protection = still.protection(fault.pointer, memop.size);
    if ((protection & needed) != needed) return PROT_NONE;
  }
  const bool code = memop_writes(memop) && memory_.code_pages().holds(fault.pointer, memop.size);
  return code ? PROT_NONE : protection;
}

// --- what is not settled
// ----------------------------------------------------------------------------

// A page that code was made from is read-only until it is written (memory/code_pages.h). Its memory
// is shared, so the access may be done here, with barriers before and behind it. One that reaches
// into other memory, or is locked and crosses granules, is done again by the thread: false, too, if
// the access has another fault.
bool FaultResolver::writes_code(const FaultedAccess& fault) {
  CodePages& code = memory_.code_pages();
  const mtedbg_Memop& memop = fault.memop;
  const uint64_t last = fault.pointer + memop.size - 1;
  if (!memop_writes(memop) || !code.covers(fault.pointer, memop.size)) return false;
  if (of_memory_itself(fault.context.kind) && !code.holds(fault.pointer, memop.size)) return false;
  const bool crosses = granule_of(last) != fault.granule(0);
  const bool here = code.covers(fault.pointer, 1) && code.covers(last, 1) &&
                    !(crosses && memop.access == MTEDBG_Access_ReadModifyWrite);
  const auto word = decode_access(*fault.block.writable(memop.address));
  const bool done = code.write(fault.frame, fault.pointer, memop.size, [&] {
    if (here && word) interpret(*word, fault.pointer, fault.context.registers);
  });
  if (!done) return false;
  resume_after(fault, here);
  record(fault.frame,
         {.event = static_cast<uint32_t>(here ? MTEDBG_Event_Interpret : MTEDBG_Event_Retry),
          .memop = memop.id,
          .address = strip_tag(fault.pointer)});
  return true;
}

// Memory that is shared with what knows no tags (memory/region_map.h): the access is done here, in
// order, where the host has it; false if the file has no such bytes.
bool FaultResolver::outside(const FaultedAccess& fault, uint64_t host) {
  if (!file_reaches(host, fault.memop.size)) return false;
  if (const auto word = decode_access(*fault.block.writable(fault.memop.address)))
    interpret(*word, host, fault.context.registers);
  resume_after(fault, true);
  return true;
}

// A store to a file of which code was made, perhaps: by whichever mapping.
Verdict FaultResolver::writes_outside(const FaultedAccess& fault) {
  bool reached = true;
  const auto store = [&](uint64_t host) { reached = outside(fault, host); };
  if (!memory_.write_outside(fault.frame, fault.pointer, fault.memop.size, store))
    resume_after(fault, false);  // the map has changed
  return reached ? Verdict::Resumed : Verdict::FileEnded;
}

// Everything else: memory without an owner yet, or without tags, a page that code was made from, a
// map that another thread has changed since the access, and the guest's own faults.
__attribute__((noinline, cold)) Verdict FaultResolver::unsettled(FaultedAccess fault) {
  const mtedbg_Memop& memop = fault.memop;
  const bool other = !of_memory_itself(fault.context.kind);
  const bool may_be_code = memop_writes(memop) && memory_.code_pages().any_outside();
  bool stores_outside = false;
  if (refused(fault)) return Verdict::GuestFault;
  {
    GuestMemory::Held held(memory_);
    const int needed = needed_protection(memop.access);
    const int protection = held.protection(fault.pointer, memop.size);
    if ((protection & needed) != needed) return Verdict::GuestFault;
    bool touched = false;
    if ((protection & Regions::kReady) == 0) {
      touched = held.touch(fault.frame, fault.pointer, memop.size);
      if (const uint64_t host = held.outside(fault.pointer, memop.size); host != 0) {
        if (!may_be_code) return outside(fault, host) ? Verdict::Resumed : Verdict::FileEnded;
        stores_outside = true;
      }
    }
    // Another thread may have mapped it in the meantime; once for each change of the map.
    static thread_local uint64_t seen_changes = 0;
    const bool changed = std::exchange(seen_changes, held.changes()) != held.changes();
    if (other && !stores_outside && (touched || changed)) {
      resume_after(fault, false);
      return Verdict::Resumed;
    }
  }
  // Without the lock: it may have to wait for threads that wait for the map.
  if (stores_outside) return writes_outside(fault);
  if (memory_.code_pages().covers(fault.pointer, memop.size) && writes_code(fault))
    return Verdict::Resumed;
  if (fault.context.kind == FaultKind::FileEnd) return Verdict::FileEnded;
  if (other) return Verdict::GuestFault;
  // It is ready by now, or a page is not one of code any more: the access is done again.
  resume_after(fault, false);
  return Verdict::Resumed;
}

// --------------------------------------------------------------------------------------------------

ONE_COPY Resolution FaultResolver::resolve(const FaultContext& context) noexcept {
  const uintptr_t pc = *context.pc;
  const uint64_t address = context.address;
  MTETSO_PHASE(fault, pc, address);
  MTETSO_PHASE(lookup, pc, address);
  const CodeBlock* block = process_code_map().lookup(pc);
  mtedbg_Memop* memop = block == nullptr ? nullptr : block->memop_of_fault(pc);
  if (memop == nullptr) return foreign(context);

  auto* frame = reinterpret_cast<mtedbg_GuestFrame*>(context.registers[kFrameRegister]);
  const uint32_t state = frame->state;
  put(frame->state, MTEDBG_ThreadState_Fault);
  const FaultedAccess fault{context, *block, *memop, frame, context.registers[kAddressRegister]};
  int protection;
  {
    // No lock: what is settled here relies on the map, and whoever changes it waits.
    const GuestMemory::Still still(memory_);
    protection = ready(fault, still);
    if (protection != PROT_NONE) settle(fault, protection);
  }
  Resolution found{Verdict::Resumed, memop->guest_rip, strip_tag(fault.pointer)};
  if (protection == PROT_NONE) {
    found.verdict = unsettled(fault);
    if (found.verdict != Verdict::Resumed && !of_memory_itself(context.kind))
      found.address = strip_tag(address);
  }
  put(frame->state, state);
  if (protection != PROT_NONE) MTETSO_PHASE(resume, memop, *context.pc);
  return found;
}

}  // namespace mtetso
