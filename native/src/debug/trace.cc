// SPDX-License-Identifier: MIT
#include "debug/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "debug/kept_file.h"

namespace mtetso {
bool open_trace(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return false;
  tracing_file::descriptor.store(moved_away(file), std::memory_order_relaxed);
  return true;
}

void trace(const TraceRecord& record) {
  const int file = tracing_file::descriptor.load(std::memory_order_relaxed);
  if (file == tracing_file::kNone) return;
  const int saved = errno;
  // A trace with a gap would be read as complete.
  if (write(file, &record, sizeof record) != ssize_t{sizeof record}) std::abort();
  errno = saved;
}

}  // namespace mtetso
