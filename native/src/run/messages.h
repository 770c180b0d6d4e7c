// SPDX-License-Identifier: MIT
//
// What the runtime says when the guest has run: standard error as it was at the start. Programs
// close theirs before they end (those of coreutils do), or have another file there.
#pragma once

#include <sys/stat.h>

#include <string>

namespace mtetso {

class Messages {
 public:
  // Keeps standard error. Where that fails, messages go to what the guest has there.
  void keep();
  // From now on messages go to what the guest has there.
  void give_up();

  // "mtetso: WHAT".
  void say(const std::string& what) const;

 private:
  // The guest may have closed the descriptor, and opened another file.
  bool is_kept() const;

  int file_ = -1;
  struct stat known_ = {};
};

}  // namespace mtetso
