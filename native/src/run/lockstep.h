// SPDX-License-Identifier: MIT
//
// Guest threads take turns on one host thread, by a schedule: every run is repeatable. Cores are
// a matter of the schedule only.
#pragma once

#include "run/process.h"
#include "run/schedule.h"

namespace mtetso {

class Lockstep : public Scheduler {
 public:
  explicit Lockstep(Process& process);

  // Runs the process; ends by GuestExit or StatusError only.
  [[noreturn]] void run();

  void start(GuestThread& thread) override;
  bool wait(GuestThread& thread, GuestThread& other) override;
  bool yield(GuestThread& thread) override;

 private:
  std::vector<Schedule::Runnable> runnable();

  Process& process_;
  Schedule schedule_;
};

}  // namespace mtetso
