// SPDX-License-Identifier: MIT
//
// Guest threads take turns on one host thread, by a schedule: every run is repeatable. Cores
// exist in the schedule only.
#pragma once

#include "run/imports.h"
#include "run/process.h"
#include "run/schedule.h"
#include "run/turn.h"

namespace mtetso {

class Lockstep : public Scheduler {
 public:
  // `system_calls` may be null.
  Lockstep(Process& process, SystemCalls* system_calls);

  // Runs the process; ends by GuestExit or StatusError only.
  [[noreturn]] void run();

  void start(GuestThread& thread) override;
  bool wait(GuestThread& thread, GuestThread& other) override;
  bool yield(GuestThread& thread) override;
  void interlude(GuestThread& thread) override;

 private:
  struct ChosenTurn {
    GuestThread& thread;
    Slice slice;
  };

  // The threads that can run while `top`, if any, has a host function on top of the host's stack.
  std::vector<Schedule::Runnable> runnable(const GuestThread* top);
  static bool is_awake(GuestThread& thread);
  void wait_for_host();
  void wake_all();
  // Chooses the next turn, and prepares its thread.
  ChosenTurn next(const GuestThread* top);
  bool stays_alone(const GuestThread& thread);
  void take_turn(const ChosenTurn& chosen);

  Process& process_;
  Imports imports_;
  HostSide host_;
  Schedule schedule_;
  GuestThread* alone_ = nullptr;  // whose turn is a long one, because nobody else can run
};

}  // namespace mtetso
