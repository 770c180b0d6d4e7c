// SPDX-License-Identifier: MIT

#include "run/lockstep.h"

#include "debug/threads.h"
#include "run/turn.h"
#include "status.h"

namespace mtetso {

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
    if (run_turn(process_, imports, thread) == TurnEnd::Exited)
      thread.exited = true;
    else
      guest.state = MTEDBG_ThreadState_Parked;
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
