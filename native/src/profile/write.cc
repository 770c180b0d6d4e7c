// SPDX-License-Identifier: MIT
//
// Writing a profile's file.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include "profile/profile.h"
#include "status.h"

namespace mtetso {
namespace {

[[noreturn]] void cannot_write(const std::string& path, const std::string& why) {
  throw StatusError(Status::CannotOpen, "cannot write the profile " + path + ": " + why);
}

// Keeps the signals away that the kernel sends to who writes too much (RLIMIT_FSIZE), or where
// nobody reads any more: the error is enough, and the guest is to end as it would.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigemptyset(&signals_);
    sigset_t pending;
    sigpending(&pending);
    for (const int signal : {SIGXFSZ, SIGPIPE})
      if (sigismember(&pending, signal) == 0) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~WithoutSignals() {
    const int error = errno;
    const timespec now = {};
    while (sigtimedwait(&signals_, nullptr, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t signals_, before_;
};

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

enum class Kind { Nothing, Regular, Special };

// Special: a folder, a pipe or a device. It is nobody's to replace.
Kind kind_of(const std::string& path) {
  struct stat known;
  if (stat(path.c_str(), &known) != 0) return Kind::Nothing;
  return S_ISREG(known.st_mode) ? Kind::Regular : Kind::Special;
}

// Writes and closes; true, or errno says why not.
bool write_and_close(int file, const std::string& text) {
  const WithoutSignals quiet;
  const bool written = file >= 0 && write_all(file, text);
  const int error = errno;
  const bool closed = file < 0 || close(file) == 0;
  if (!written) errno = error;
  return written && closed;
}

// An empty file that is to take the place of another, and of a name that no other process has:
// those of other containers may have the same id.
struct Fresh {
  std::string path;
  int file = -1;  // or errno says why not
};

Fresh make_fresh(const std::string& target) {
  constexpr mode_t kMode = 0666;
  Fresh fresh;
  do {
    uint64_t number = 0;
    (void)!getrandom(&number, sizeof number, 0);
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
    fresh.path = target + "." + digits + ".tmp";
    fresh.file = open(fresh.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  } while (fresh.file < 0 && errno == EEXIST);
  return fresh;
}

std::string no_file(int error) {
  return std::string("no file can be made in its folder: ") + std::strerror(error);
}

}  // namespace

void check_can_write(const std::string& path) {
  if (kind_of(path) == Kind::Special) {
    struct stat known;
    if (stat(path.c_str(), &known) == 0 && S_ISDIR(known.st_mode))
      cannot_write(path, std::strerror(EISDIR));
    // To open a pipe would wait for its reader.
    if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
      cannot_write(path, std::strerror(errno));
    return;
  }
  const Fresh fresh = make_fresh(resolved(path));
  if (fresh.file < 0) cannot_write(path, no_file(errno));
  close(fresh.file);
  unlink(fresh.path.c_str());
}

void write_profile(const Profile& profile, const std::string& path) {
  const std::string text = profile_text(profile);
  const Kind kind = kind_of(path);
  if (kind == Kind::Special) {
    if (!write_and_close(open(path.c_str(), O_WRONLY | O_CLOEXEC), text))
      cannot_write(path, std::strerror(errno));
    return;
  }
  const std::string target = resolved(path);
  const std::string stays = kind == Kind::Regular ? "; the older one stays" : "";
  const Fresh fresh = make_fresh(target);
  if (fresh.file < 0) cannot_write(path, no_file(errno) + stays);
  if (write_and_close(fresh.file, text) && rename(fresh.path.c_str(), target.c_str()) == 0) return;
  const int error = errno;
  unlink(fresh.path.c_str());
  cannot_write(path, std::strerror(error) + stays);
}

}  // namespace mtetso
