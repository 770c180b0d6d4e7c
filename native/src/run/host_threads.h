// SPDX-License-Identifier: MIT
//
// One host thread per guest thread: real concurrency. With the core id `pinned` each has one
// processor, so its id cannot change; otherwise the kernel may move it at any time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "run/imports.h"
#include "run/process.h"
#include "run/turn.h"

namespace mtetso {

class HostThreads : public Scheduler {
 public:
  // `finish` ends the process and does not return; any thread may call it.
  using Finish = void (*)(const GuestExit& how);

  // `system_calls` may be null.
  HostThreads(Process& process, SystemCalls* system_calls, Finish finish);

  // Runs the first thread on the calling one; ends by `finish`, GuestExit or StatusError only.
  [[noreturn]] void run(GuestThread& first);

  void start(GuestThread& thread) override;
  bool wait(GuestThread& thread, GuestThread& other) override;
  bool yield(GuestThread& thread) override;
  void interlude(GuestThread& thread) override;

 private:
  void body(GuestThread& thread);
  void run_guarded(GuestThread& thread);
  void pin(GuestThread& thread);
  int32_t budget() const;

  Process& process_;
  Imports imports_;
  HostSide host_;
  Finish finish_;
  std::vector<int> processors_;  // those this process may use
  std::mutex lock_;              // GuestThread::exited
  std::condition_variable exits_;
};

}  // namespace mtetso
