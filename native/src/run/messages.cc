// SPDX-License-Identifier: MIT
#include "run/messages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace mtetso {

void Messages::keep() {
  // Far from those that the guest opens: each has the lowest number that is free.
  constexpr int kLowest = 1000;
  file_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kLowest);
  if (file_ >= 0 && fstat(file_, &known_) != 0) give_up();
}

void Messages::give_up() {
  if (is_kept()) close(file_);
  file_ = -1;
}

void Messages::say(const std::string& what) const {
  dprintf(is_kept() ? file_ : STDERR_FILENO, "mtetso: %s\n", what.c_str());
}

bool Messages::is_kept() const {
  struct stat now;
  return file_ >= 0 && fstat(file_, &now) == 0 && now.st_dev == known_.st_dev &&
         now.st_ino == known_.st_ino;
}

}  // namespace mtetso
