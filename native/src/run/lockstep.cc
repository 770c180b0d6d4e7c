// SPDX-License-Identifier: MIT

#include "run/lockstep.h"

#include "code/block_map.h"
#include "debug/threads.h"
#include "debug/trace.h"
#include "run/turn.h"
#include "status.h"

namespace mtetso {
namespace {

void trace_turn(const GuestThread& thread, const Slice& slice) {
  const auto& guest = thread.frame->guest;
  trace({.kind = TraceKind::Turn,
         .thread = static_cast<uint32_t>(thread.id),
         .core = static_cast<uint32_t>(guest.host_core_id),
         .address = guest.rip,
         .first = slice.polls});
}

// The memops of the one instruction at `rip` that a turn has run: what an access faulted on was
// changed before it went through, so they are now as they were then.
void trace_accesses(const GuestThread& thread, uint64_t rip, uintptr_t entry) {
  const CodeBlock* block = process_code_map().lookup(entry);
  if (block == nullptr) return;
  for (const auto& memop : block->memops)
    if (memop.guest_rip == rip)
      trace({.kind = TraceKind::Access,
             .thread = static_cast<uint32_t>(thread.id),
             .core = static_cast<uint32_t>(thread.frame->guest.host_core_id),
             .event = memop.mode,
             .memop = memop.id,
             .address = memop.address,
             .first = memop.tag_address == 0 ? 0 : *block->writable(memop.tag_address),
             .second = *block->writable(memop.address)});
}

}  // namespace

Lockstep::Lockstep(Process& process)
    : process_(process),
      schedule_(Schedule::parse(process.options().schedule,
                                first_core_id(process.options().shared_tag))) {}

std::vector<Schedule::Runnable> Lockstep::runnable() {
  std::vector<Schedule::Runnable> can;
  for (auto* thread : process_.threads()) {
    auto* other = thread->waits_for == 0 ? nullptr : process_.find(thread->waits_for);
    if (!thread->exited && (other == nullptr || other->exited))
      can.push_back({thread->id, thread->core});
  }
  return can;
}

void Lockstep::run() {
  Imports imports(process_, *this);
  process_.make_main_thread();
  for (;;) {
    auto can = runnable();
    if (can.empty())
      throw StatusError(Status::GuestFault, "deadlock: every guest thread waits for another");
    Slice slice = schedule_.next(can, process_.options().cores);
    GuestThread& thread = *process_.find(slice.thread);
    auto& guest = thread.frame->guest;
    process_.move(thread, slice.core);
    thread.waits_for = 0;
    thread.frame->budget = static_cast<int32_t>(slice.polls);
    bind_host_thread(&guest);
    const uint64_t rip = guest.rip;
    if (tracing()) trace_turn(thread, slice);
    if (run_turn(process_, imports, thread) == TurnEnd::Exited)
      thread.exited = true;
    else
      guest.state = MTEDBG_ThreadState_Parked;
    if (tracing() && slice.polls == 1) trace_accesses(thread, rip, process_.engine().entry(rip));
  }
}

void Lockstep::start(GuestThread&) {}  // the next turn sees it

bool Lockstep::wait(GuestThread& thread, GuestThread& other) {
  if (other.exited) return true;
  thread.waits_for = other.id;
  return false;
}

bool Lockstep::yield(GuestThread&) { return true; }

}  // namespace mtetso
