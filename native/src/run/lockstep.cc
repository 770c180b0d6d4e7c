// SPDX-License-Identifier: MIT

#include "run/lockstep.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "code/block_map.h"
#include "debug/recorder.h"
#include "debug/threads.h"
#include "debug/trace.h"
#include "run/fork_gate.h"
#include "run/turn.h"
#include "status.h"

namespace mtetso {
namespace {

// A turn of a thread while nobody else can run: as many turns as this is a multiple of.
constexpr uint32_t kAlonePolls = Schedule::kRoundRobinPolls << 14;

void trace_turn(const GuestThread& thread, const Slice& slice) {
  const auto& guest = thread.frame->guest;
  trace({.kind = TraceKind::Turn,
         .thread = static_cast<uint32_t>(thread.id),
         .core = static_cast<uint32_t>(guest.host_core_id),
         .address = guest.rip,
         .first = slice.polls});
}

// The memops of the one instruction at `rip` that a turn has run. After a fault they were changed
// before the access completed, so they are now as they were then.
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

Lockstep::Lockstep(Process& process, SystemCalls* system_calls)
    : process_(process),
      imports_(process, *this),
      host_{imports_, system_calls},
      schedule_(Schedule::parse(process.options().schedule,
                                first_core_id(process.options().shared_tag))) {}

namespace {

// Adds what `thread` waits for outside of the process to `all`, and the earliest deadline.
void add_wait(const HostWait& wait, HostWait& all) {
  all.descriptors.insert(all.descriptors.end(), wait.descriptors.begin(), wait.descriptors.end());
  if (wait.until) all.until = std::min(*wait.until, all.until.value_or(UINT64_MAX));
}

// Whether one of the descriptors is ready or the time has come.
bool is_over(HostWait wait) {
  if (wait.until && monotonic_now() >= *wait.until) return true;
  return !wait.descriptors.empty() && poll(wait.descriptors.data(), wait.descriptors.size(), 0) > 0;
}

}  // namespace

bool Lockstep::is_awake(GuestThread& thread) {
  if (!thread.asleep) return true;
  if (thread.host_wait && is_over(*thread.host_wait)) thread.asleep = false;
  return !thread.asleep;
}

// Every thread waits: for something outside of the process, or for ever. A signal ends it, too.
void Lockstep::wait_for_host() {
  HostWait all;
  bool any = false;
  for (auto* thread : process_.threads()) {
    if (thread->exited || !thread->asleep || !thread->host_wait) continue;
    any = true;
    add_wait(*thread->host_wait, all);
  }
  if (!any && (host_.system_calls == nullptr || !host_.system_calls->awaits_signals()))
    throw StatusError(Status::GuestFault, "deadlock: every guest thread waits for another");
  timespec left = {};
  if (all.until) {
    const uint64_t now = monotonic_now();
    const uint64_t more = *all.until - std::min(now, *all.until);
    left = {static_cast<time_t>(more / 1'000'000'000), static_cast<long>(more % 1'000'000'000)};
  }
  const timespec* limit = all.until ? &left : nullptr;
  if (host_.system_calls != nullptr)
    host_.system_calls->wait(all.descriptors, limit);
  else
    ppoll(all.descriptors.data(), all.descriptors.size(), limit, nullptr);
}

// A signal has come: one of the threads has to handle it; the others go to sleep again.
void Lockstep::wake_all() {
  for (auto* thread : process_.threads()) thread->asleep = false;
}

// A thread with a host function below the top one's on the stack waits until that one has ended.
std::vector<Schedule::Runnable> Lockstep::runnable(const GuestThread* top) {
  std::vector<Schedule::Runnable> can;
  for (auto* thread : process_.threads()) {
    auto* other = thread->waits_for == 0 ? nullptr : process_.find(thread->waits_for);
    const bool buried = thread->callbacks != 0 && thread != top;
    if (thread->exited || buried || (other != nullptr && !other->exited)) continue;
    if (is_awake(*thread)) can.push_back({thread->id, thread->core});
  }
  return can;
}

// Whether no other thread can run before this one makes it, or ends. A trace has every turn, ticks
// are counted again at the beginning of each, and signals of a Linux program arrive there.
bool Lockstep::stays_alone(const GuestThread& thread) {
  if (tracing() || process_.options().tier_up != 0 || host_.system_calls != nullptr) return false;
  for (auto* other : process_.threads())
    if (other != &thread && !other->exited && other->waits_for != thread.id) return false;
  return true;
}

Lockstep::ChosenTurn Lockstep::next(const GuestThread* top) {
  auto can = runnable(top);
  for (; can.empty(); can = runnable(top)) {
    wait_for_host();
    if (host_.system_calls != nullptr && host_.system_calls->interrupted()) wake_all();
  }
  const bool goes_round = schedule_.goes_round();
  Slice slice = schedule_.next(can, process_.options().cores);
  GuestThread& thread = *process_.find(slice.thread);
  process_.move(thread, slice.core);
  thread.waits_for = 0;
  thread.asleep = false;
  thread.host_wait.reset();
  const bool alone = goes_round && stays_alone(thread);
  alone_ = alone ? &thread : nullptr;
  if (alone) slice.polls = kAlonePolls;
  thread.frame->budget = static_cast<int32_t>(slice.polls);
  bind_host_thread(&thread.frame->guest);
  if (tracing()) trace_turn(thread, slice);
  return {thread, slice};
}

void Lockstep::take_turn(const ChosenTurn& chosen) {
  GuestThread& thread = chosen.thread;
  const uint64_t rip = thread.frame->guest.rip;
  if (run_turn(process_, *this, host_, thread) == TurnEnd::Exited) {
    thread.exited = true;
    process_.leave(thread);
  } else {
    thread.frame->guest.state = MTEDBG_ThreadState_Parked;
  }
  if (tracing() && chosen.slice.polls == 1)
    trace_accesses(thread, rip, process_.engine().entry(rip));
}

void Lockstep::run() {
  const InRuntime inside;
  for (;;) take_turn(next(nullptr));
}

// Runs turns of other threads on top of this one's, until the schedule chooses it again.
void Lockstep::interlude(GuestThread& thread) {
  thread.frame->guest.state = MTEDBG_ThreadState_Parked;
  for (;;) {
    const ChosenTurn chosen = next(&thread);
    if (&chosen.thread == &thread) return;
    take_turn(chosen);
  }
}

// The next turn sees it. A long turn ends where that one of the many that it stands for would have
// ended: every one of those passes as many polls as it is given.
void Lockstep::start(GuestThread&) {
  if (alone_ == nullptr) return;
  constexpr auto kTurn = static_cast<int32_t>(Schedule::kRoundRobinPolls);
  int32_t& budget = alone_->frame->budget;
  budget = budget == static_cast<int32_t>(kAlonePolls) ? kTurn : budget % kTurn;
  alone_ = nullptr;
}

bool Lockstep::wait(GuestThread& thread, GuestThread& other) {
  if (other.exited) return true;
  thread.waits_for = other.id;
  return false;
}

bool Lockstep::yield(GuestThread&) { return true; }

}  // namespace mtetso
