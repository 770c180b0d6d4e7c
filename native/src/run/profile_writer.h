// SPDX-License-Identifier: MIT
//
// Writes the profile of a run: at its end, when a signal ends it, and every few seconds if asked.
//
// A signal handler can neither take locks nor make JSON: it says which signal came and wakes a
// thread that does nothing else. That thread writes the profile, then lets the signal do what it
// does by default. Guest threads run on meanwhile.
#pragma once

#include <mutex>
#include <string>

#include "options.h"
#include "run/engine.h"

namespace mtetso {

class ProfileWriter {
 public:
  // Both live as long as the process, and so must this.
  ProfileWriter(const Options& options, const Engine& engine)
      : options_(options), engine_(engine) {}
  ProfileWriter(const ProfileWriter&) = delete;
  ProfileWriter& operator=(const ProfileWriter&) = delete;

  // Starts the thread and takes SIGHUP, SIGINT and SIGTERM, except those that are ignored. Throws
  // StatusError: CannotOpen where the file could not be written now, or Internal.
  void start();

  // For a signal that is to do what it does by default: true if the started writer has taken it,
  // and ends the process by it.
  static bool take(int signal);

  // For a signal that the guest sends to its own process, before it is sent and ends that without
  // another word: as finish(), if there is a started writer that has not taken the signal.
  static void before_signal(int signal);
  // Before another program takes this one's place: writes the file. Not that of a child by fork:
  // what it has run is little, and the file would be as long as its parent's.
  static void before_exec();
  // Of the profiles that this process has written when another program takes its place: how many
  // are named by its id.
  static uint32_t named_by_id();

  // Writes the file, and the summary to standard error, as the options ask for; a failure is only
  // reported.
  void finish();

 private:
  void work();
  // Writes the file if there is to be one; returns its summary if that is asked for.
  std::string write();

  const Options& options_;
  const Engine& engine_;
  std::mutex writing_;
  std::string failure_;  // the last one that was said; empty after a success
};

}  // namespace mtetso
