// SPDX-License-Identifier: MIT
//
// Makes the calls of linux/plain.h: buffers on the host, filled before the call, and copied to the
// guest after it.
#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "linux/bounce.h"
#include "linux/call.h"
#include "linux/descriptors.h"
#include "linux/plain.h"

namespace mtetso {
namespace {

using Kind = PlainArgument::Kind;

// One call: its arguments and their buffers.
class Plain {
 public:
  Plain(Call& call, const PlainCall& row) : call_(call), row_(row) {}

  CallResult make() {
    for (size_t i = 0; i < std::size(row_.arguments); ++i)
      if (const int error = prepare(i); error != 0) return error;
    if (const auto done = write_in_turns()) return *done;
    if (const auto later = wait_for(call_, row_.number)) return *later;
    clamp_transfer();
    const long result = row_.restart == Restart::Quick ? host_call(row_.host, host_)
                                                       : waiting_call(row_.host, host_);
    if (result < 0) return after_host(call_, result, row_.restart);
    for (size_t i = 0; i < std::size(row_.arguments); ++i)
      if (!give(i, result)) return -EFAULT;
    return result;
  }

 private:
  // Between two descriptors, in lockstep: as much as certainly fits where there is room.
  void clamp_transfer() {
    constexpr uint16_t kSendFile = 40, kSplice = 275, kTee = 276;
    if (!must_not_wait(call_)) return;
    const size_t size = row_.number == kSendFile ? 3 : row_.number == kSplice ? 4 : 2;
    if (size == 2 && row_.number != kTee) return;
    host_.a[size] =
        static_cast<long>(std::min<uint64_t>(static_cast<uint64_t>(host_.a[size]), PIPE_BUF));
  }
  // Of those that write to a descriptor; a socket's address is for others than streams.
  std::optional<CallResult> write_in_turns() {
    constexpr uint16_t kWrite = 1, kSendTo = 44;
    const bool sends = row_.number == kSendTo && guest(4) == 0;
    if (row_.number != kWrite && !sends) return std::nullopt;
    if (bytes_[1].size() < clamped(2)) return std::nullopt;  // no address: the kernel decides
    return write_in_parts(call_, host_int(0), bytes_[1].first(clamped(2)), sends ? host_int(3) : 0);
  }
  int read_text(const PlainArgument& one, uint64_t address, std::string& text, size_t at) const {
    constexpr uint16_t kStatx = 332;
    if (one.kind == Kind::Text) return call_.read_string(address, text);
    if (one.kind == Kind::Path) return call_.read_path(address, text);
    const bool follow = row_.number != kStatx || (guest(2) & AT_SYMLINK_NOFOLLOW) == 0;
    return call_.read_path(address, text, host_int(at - 1), follow);
  }
  int host_int(size_t at) const { return static_cast<int>(host_.a[at]); }
  uint64_t guest(uint8_t index) const { return call_.arguments[index]; }
  static bool is_array(const PlainArgument& one) {
    return one.kind == Kind::InArray || one.kind == Kind::OutArray || one.kind == Kind::Array;
  }
  // An argument; the number of a buffer's elements is limited, and by what the guest may write.
  uint64_t clamped(uint8_t index) const {
    for (const auto& one : row_.arguments)
      if (is_array(one) && one.count == index) {
        const auto size = static_cast<uint64_t>(one.value);
        const uint64_t most = std::min(guest(index), Call::kMostBytes / size);
        if (one.kind != Kind::OutArray || guest(one.from) == 0) return most;
        return call_.writable_part(guest(one.from), most * size) / size;
      }
    return guest(index);
  }
  uint64_t length(const PlainArgument& one) const {
    return clamped(one.count) * static_cast<uint64_t>(one.value);
  }

  bool fill(size_t at, uint64_t address, uint64_t size, bool read) {
    bytes_[at] = room_for(buffers_[at], size, address);
    host_.a[at] = reinterpret_cast<long>(bytes_[at].data());
    return read ? call_.read(address, bytes_[at].data(), size) : call_.writable(address, size);
  }

  int prepare(size_t at) {
    const PlainArgument& one = row_.arguments[at];
    const uint64_t address = guest(one.from);
    switch (one.kind) {
      case Kind::None:
        return 0;
      case Kind::Constant:
        host_.a[at] = one.value;
        return 0;
      case Kind::Value:
        host_.a[at] = static_cast<long>(clamped(one.from));
        return 0;
      case Kind::Thread:
        host_.a[at] = call_.host_number(call_.number_at(one.from));
        return 0;
      case Kind::Clock:
        host_.a[at] = call_.host_clock(call_.number_at(one.from));
        return 0;
      default:
        break;
    }
    if (address == 0) return 0;  // the kernel decides about null pointers
    switch (one.kind) {
      case Kind::Path:
      case Kind::PathAt:
      case Kind::Text: {
        auto& buffer = buffers_[at];
        const int error = read_text(one, address, buffer, at);
        host_.a[at] = reinterpret_cast<long>(buffer.c_str());
        return error;
      }
      case Kind::In:
      case Kind::InOut:
        return fill(at, address, static_cast<uint64_t>(one.value), true) ? 0 : -EFAULT;
      case Kind::Out:
        return fill(at, address, static_cast<uint64_t>(one.value), false) ? 0 : -EFAULT;
      case Kind::InArray:
      case Kind::Array:
        return fill(at, address, length(one), true) ? 0 : -EFAULT;
      case Kind::OutArray:
        if (guest(one.count) != 0 && length(one) == 0) return -EFAULT;
        return fill(at, address, length(one), false) ? 0 : -EFAULT;
      case Kind::OutSized: {
        const auto size = call_.get<uint32_t>(guest(one.count));
        if (!size) return -EFAULT;
        sized_ = std::min<uint64_t>(*size, Call::kMostBytes);
        return fill(at, address, sized_, false) ? 0 : -EFAULT;
      }
      default:
        return 0;
    }
  }

  bool give(size_t at, long result) {
    const PlainArgument& one = row_.arguments[at];
    const uint64_t address = guest(one.from);
    if (address == 0) return true;
    const auto put = [&](uint64_t size) {
      return call_.write(address, bytes_[at].data(), std::min(size, uint64_t{bytes_[at].size()}));
    };
    switch (one.kind) {
      case Kind::Out:
      case Kind::InOut:
        return put(static_cast<uint64_t>(one.value));
      case Kind::OutArray:
        return put(std::min(length(one),
                            static_cast<uint64_t>(result) * static_cast<uint64_t>(one.value)));
      case Kind::Array:
        return put(length(one));
      case Kind::OutSized: {
        uint32_t size = 0;
        for (size_t i = 0; i < std::size(row_.arguments); ++i)
          if (row_.arguments[i].kind == Kind::InOut && row_.arguments[i].from == one.count)
            std::copy_n(bytes_[i].data(), sizeof size, reinterpret_cast<char*>(&size));
        return put(std::min<uint64_t>(size, sized_));
      }
      default:
        return true;
    }
  }

  Call& call_;
  const PlainCall& row_;
  HostArguments host_;
  uint64_t sized_ = 0;
  std::array<std::string, 6> buffers_;
  std::array<std::span<char>, 6> bytes_;  // in them, but for texts
};

template <size_t I>
CallResult plain(Call& call) {
  return Plain(call, plain_calls()[I]).make();
}

uint32_t highest_argument(const PlainCall& row) {
  uint32_t count = 0;
  for (const auto& one : row.arguments)
    if (one.kind != Kind::None && one.kind != Kind::Constant)
      count = std::max<uint32_t>(count, one.from + 1u);
  return count;
}

template <size_t... I>
CallRows make_rows(std::index_sequence<I...>) {
  static const std::array rows = {CallRow{plain_calls()[I].number, plain_calls()[I].name,
                                          highest_argument(plain_calls()[I]), plain<I>}...};
  return rows;
}

}  // namespace

CallRows plain_call_rows() { return make_rows(std::make_index_sequence<kPlainCalls>()); }

}  // namespace mtetso
