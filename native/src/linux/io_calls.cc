// SPDX-License-Identifier: MIT
//
// Reading and writing descriptors.
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "linux/call.h"

namespace mtetso {
namespace {

// Writes guest memory to a descriptor, a buffer at a time: what was written, or the first error if
// nothing was.
CallResult write_out(Call& call, int descriptor, uint64_t address, uint64_t length) {
  std::vector<char> buffer(std::min<uint64_t>(length, Call::kBounce));
  uint64_t done = 0;
  do {
    const size_t part = std::min<uint64_t>(length - done, buffer.size());
    if (!call.read(address + done, buffer.data(), part))
      return done != 0 ? static_cast<int64_t>(done) : -EFAULT;
    const ssize_t wrote = ::write(descriptor, buffer.data(), part);
    if (wrote < 0) return done != 0 ? static_cast<int64_t>(done) : -errno;
    done += static_cast<uint64_t>(wrote);
    if (static_cast<size_t>(wrote) < part) break;
  } while (done < length);
  return static_cast<int64_t>(done);
}

CallResult write(Call& call) {
  return write_out(call, call.number_at(0), call.arguments[1], call.arguments[2]);
}

CallResult writev(Call& call) {
  const uint64_t count = call.arguments[2];
  if (count > IOV_MAX) return -EINVAL;
  std::vector<char> bytes;
  for (uint64_t i = 0; i < count; ++i) {
    const auto part = call.get<iovec>(call.arguments[1] + i * sizeof(iovec));
    if (!part) return -EFAULT;
    // A short write is allowed; one buffer keeps what fits in it together, as for pipes.
    const size_t size = std::min(part->iov_len, Call::kBounce - bytes.size());
    const size_t at = bytes.size();
    bytes.resize(at + size);
    if (!call.read(reinterpret_cast<uintptr_t>(part->iov_base), bytes.data() + at, size))
      return -EFAULT;
    if (size < part->iov_len) break;
  }
  return from_host(::write(call.number_at(0), bytes.data(), bytes.size()));
}

}  // namespace

CallRows io_calls() {
  static constexpr CallRow rows[] = {
      {1, "write", 3, write},
      {20, "writev", 3, writev},
  };
  return rows;
}

}  // namespace mtetso
