// SPDX-License-Identifier: MIT
//
// A host thread for each guest thread: real concurrency. With the core id `pinned` each has one
// processor, and its id cannot change under it; otherwise the kernel moves them as it likes.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "run/imports.h"
#include "run/process.h"

namespace mtetso {

class HostThreads : public Scheduler {
 public:
  // `finish` ends the process with a status and does not return; any thread may call it.
  using Finish = void (*)(int status);

  HostThreads(Process& process, Finish finish);

  // Runs the first thread on the calling one; ends by `finish`, GuestExit or StatusError only.
  [[noreturn]] void run();

  void start(GuestThread& thread) override;
  bool wait(GuestThread& thread, GuestThread& other) override;
  bool yield(GuestThread& thread) override;
  void interlude(GuestThread& thread) override;

 private:
  void body(GuestThread& thread);
  void run_guarded(GuestThread& thread);
  void pin(const GuestThread& thread);

  Process& process_;
  Imports imports_;
  Finish finish_;
  std::vector<int> processors_;  // those this process may use
  std::mutex lock_;              // GuestThread::exited
  std::condition_variable exits_;
};

}  // namespace mtetso
