// SPDX-License-Identifier: MIT
#include "debug/say.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "debug/kept_file.h"

namespace mtetso {
namespace {

KeptFile g_copy;
std::string g_name;         // of the file, as name_of has it
bool g_guest_runs = false;  // and may have changed descriptor 2
bool g_may_keep = false;

std::string name_of(int file) {
  struct stat about;
  if (fstat(file, &about) != 0) return "none";
  return std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
}

}  // namespace

void note_standard_error(const std::string& first) {
  g_name = first.empty() ? name_of(STDERR_FILENO) : first;
  g_guest_runs = true;
  g_may_keep = first.empty();
}

void keep_standard_error() {
  if (!g_may_keep) return;
  g_may_keep = false;
  if (const int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0); copy >= 0) g_copy.take(copy);
}

void give_up_standard_error() {
  g_may_keep = false;
  g_copy.give_up();
}

std::string named_standard_error() { return g_name; }

void say_text(std::string_view text) {
  if (g_copy.write(text) != KeptFile::Written::Gone) return;
  if (g_guest_runs && name_of(STDERR_FILENO) != g_name) return;
  write_all(STDERR_FILENO, text);
}

void say(const std::string& what) { say_text("mtetso: " + what + "\n"); }

}  // namespace mtetso
