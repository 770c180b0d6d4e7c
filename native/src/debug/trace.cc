// SPDX-License-Identifier: MIT
#include "debug/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "debug/kept_file.h"

namespace mtetso {
namespace {

KeptFile g_file;

void say_that_it_ends() {
  constexpr std::string_view kWords =
      "mtetso: --trace: the program has closed the trace's descriptor: its file ends here\n";
  // Where it cannot be said, the file still is what happened until then.
  (void)!write(STDERR_FILENO, kWords.data(), kWords.size());
}

}  // namespace

bool open_trace(const std::string& path, bool goes_on) {
  end_trace();
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (goes_on ? 0 : O_TRUNC);
  const int file = open(path.c_str(), flags, 0666);
  if (file < 0) return false;
  g_file.take(file);
  tracing_file::is_open.store(true, std::memory_order_relaxed);
  return true;
}

void end_trace() {
  if (tracing_file::is_open.exchange(false, std::memory_order_relaxed)) g_file.give_up();
}

void trace(const TraceRecord& record) {
  if (!tracing()) return;
  const int saved = errno;
  switch (g_file.write({reinterpret_cast<const char*>(&record), sizeof record})) {
    case KeptFile::Written::All:
      break;
    case KeptFile::Written::Part:
      std::abort();  // a trace with a gap would be read as complete
    case KeptFile::Written::Gone:
      if (tracing_file::is_open.exchange(false, std::memory_order_relaxed)) say_that_it_ends();
      break;
  }
  errno = saved;
}

}  // namespace mtetso
