// SPDX-License-Identifier: MIT
//
// Writing a profile's file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "profile/profile.h"
#include "status.h"

namespace mtetso {
namespace {

[[noreturn]] void cannot_write(const std::string& path) {
  throw StatusError(Status::CannotOpen,
                    "cannot write the profile " + path + ": " + std::strerror(errno));
}

// True, or errno says why not.
bool write_all(int file, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) done += static_cast<size_t>(count);
  }
  return true;
}

// The file that a symbolic link leads to; `path` where there is none yet.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real == nullptr ? path : real.get();
}

// A pipe or a device: it is nobody's to replace.
bool is_special(const std::string& path) {
  struct stat known;
  return stat(path.c_str(), &known) == 0 && !S_ISREG(known.st_mode);
}

// Writes and closes; true, or errno says why not.
bool write_and_close(int file, const std::string& text) {
  const bool written = file >= 0 && write_all(file, text);
  const int error = errno;
  const bool closed = file < 0 || close(file) == 0;
  if (!written) errno = error;
  return written && closed;
}

}  // namespace

void write_profile(const Profile& profile, const std::string& path) {
  constexpr mode_t kMode = 0666;
  const std::string text = profile_text(profile);
  if (is_special(path)) {
    if (!write_and_close(open(path.c_str(), O_WRONLY | O_CLOEXEC), text)) cannot_write(path);
    return;
  }
  const std::string target = resolved(path);
  const std::string fresh = target + "." + std::to_string(getpid()) + ".tmp";
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (file < 0) cannot_write(path);
  if (write_and_close(file, text) && rename(fresh.c_str(), target.c_str()) == 0) return;
  const int error = errno;
  unlink(fresh.c_str());
  errno = error;
  cannot_write(path);
}

}  // namespace mtetso
