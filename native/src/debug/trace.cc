// SPDX-License-Identifier: MIT
#include "debug/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace mtetso {
namespace {

constexpr int kNone = -1;
std::atomic<int> g_file{kNone};

}  // namespace

bool open_trace(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  g_file.store(file, std::memory_order_relaxed);
  return file >= 0;
}

bool tracing() { return g_file.load(std::memory_order_relaxed) != kNone; }

void trace(const TraceRecord& record) {
  const int file = g_file.load(std::memory_order_relaxed);
  if (file == kNone) return;
  const int saved = errno;
  // A trace with a gap would be read as complete.
  if (write(file, &record, sizeof record) != ssize_t{sizeof record}) std::abort();
  errno = saved;
}

}  // namespace mtetso
