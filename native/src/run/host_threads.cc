// SPDX-License-Identifier: MIT

#include "run/host_threads.h"

#include <pthread.h>
#include <sched.h>

#include <climits>
#include <string>
#include <thread>

#include "debug/say.h"
#include "debug/threads.h"
#include "fault/handler.h"
#include "run/core_ids.h"
#include "run/fork_gate.h"
#include "run/turn.h"
#include "status.h"

namespace mtetso {

HostThreads::HostThreads(Process& process, SystemCalls* system_calls, Finish finish)
    : process_(process), imports_(process, *this), host_{imports_, system_calls}, finish_(finish) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) processors_.push_back(cpu);
  if (processors_.empty())
    throw StatusError(Status::Internal, "cannot learn which processors there are");
}

void HostThreads::pin(GuestThread& thread) {
  const int processor = processors_[thread.core % processors_.size()];
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
    throw StatusError(Status::Internal, "cannot pin a thread to its processor");
  thread.processor = static_cast<uint32_t>(processor);
}

// The budget makes a thread return to the dispatcher now and then; a pinned one looks where it is.
int32_t HostThreads::budget() const {
  constexpr int32_t kBetweenLooks = 4096;
  return process_.options().core_id_source == MTEDBG_CoreIdSource_Pinned ? kBetweenLooks : INT_MAX;
}

// All turns of one thread.
void HostThreads::body(GuestThread& thread) {
  const InRuntime inside;
  if (process_.options().core_id_source == MTEDBG_CoreIdSource_Pinned) pin(thread);
  bind_host_thread(&thread.frame->guest);
  bind_core_id(process_.options(), thread);
  TurnEnd end;
  do {
    thread.frame->budget = budget();
    end = run_turn(process_, *this, host_, thread);
  } while (end != TurnEnd::Exited);
  process_.leave(thread);
  std::scoped_lock lock(lock_);
  thread.exited = true;
  exits_.notify_all();
}

void HostThreads::run_guarded(GuestThread& thread) {
  try {
    if (!install_signal_stack())
      throw StatusError(Status::Internal, "cannot install a signal stack");
    body(thread);
  } catch (const GuestExit& exit) {
    finish_(exit);
  } catch (const StatusError& error) {
    say(error.what());
    finish_({static_cast<int>(error.status())});
  } catch (const std::exception& error) {
    say(std::string("internal error: ") + error.what());
    finish_({static_cast<int>(Status::Internal)});
  }
}

void HostThreads::run(GuestThread& first) {
  body(first);
  // The first thread returned without ending the process; the others may still end it.
  std::unique_lock lock(lock_);
  exits_.wait(lock, [this] {
    for (auto* thread : process_.threads())
      if (!thread->exited) return false;
    return true;
  });
  throw StatusError(Status::GuestFault, "every guest thread has returned and none called exit");
}

void HostThreads::start(GuestThread& thread) {
  std::thread([this, &thread] { run_guarded(thread); }).detach();
}

bool HostThreads::wait(GuestThread&, GuestThread& other) {
  const OutOfRuntime outside;
  std::unique_lock lock(lock_);
  exits_.wait(lock, [&] { return other.exited; });
  return true;
}

bool HostThreads::yield(GuestThread&) {
  sched_yield();
  return false;
}

void HostThreads::interlude(GuestThread& thread) {
  thread.frame->budget = budget();
  sched_yield();
}

}  // namespace mtetso
