// SPDX-License-Identifier: MIT
#include "debug/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace mtetso {

int moved_away(int file) {
  constexpr int kLowest = 1000;
  const int moved = fcntl(file, F_DUPFD_CLOEXEC, kLowest);
  if (moved < 0) return file;
  close(file);
  return moved;
}

void KeptFile::take(int file) {
  file_ = moved_away(file);
  if (fstat(file_, &known_) != 0) file_ = -1;
}

void KeptFile::give_up() {
  if (is_there()) close(file_);
  file_ = -1;
}

KeptFile::Written KeptFile::write(std::string_view text) const {
  if (!is_there()) return Written::Gone;
  while (!text.empty()) {
    const ssize_t count = ::write(file_, text.data(), text.size());
    if (count < 0 && errno != EINTR) return Written::Part;
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
  return Written::All;
}

bool KeptFile::is_there() const {
  struct stat now;
  return file_ >= 0 && fstat(file_, &now) == 0 && now.st_dev == known_.st_dev &&
         now.st_ino == known_.st_ino;
}

}  // namespace mtetso
