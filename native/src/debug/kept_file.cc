// SPDX-License-Identifier: MIT
#include "debug/kept_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace mtetso {

int moved_away(int file) {
  constexpr rlim_t kLowest = 1000;
  rlimit most = {};
  getrlimit(RLIMIT_NOFILE, &most);
  // Where there are no such numbers: near the end of those that there are.
  constexpr rlim_t kRoom = 16;
  const rlim_t lowest = most.rlim_cur > kLowest ? kLowest : most.rlim_cur - most.rlim_cur / kRoom;
  const int moved = fcntl(file, F_DUPFD_CLOEXEC, static_cast<int>(lowest));
  if (moved < 0) return file;
  close(file);
  return moved;
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
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
  return write_all(file_, text) ? Written::All : Written::Part;
}

bool KeptFile::is_there() const {
  struct stat now;
  return file_ >= 0 && fstat(file_, &now) == 0 && now.st_dev == known_.st_dev &&
         now.st_ino == known_.st_ino;
}

}  // namespace mtetso
