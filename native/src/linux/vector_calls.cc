// SPDX-License-Identifier: MIT
//
// Transfers to and from several buffers: vectors, and the messages of sockets. The parts become one
// buffer, so that the kernel sees one transfer.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "linux/bounce.h"
#include "linux/call.h"
#include "linux/descriptors.h"

namespace mtetso {
namespace {

long pointer(const void* to) { return reinterpret_cast<long>(to); }

// The guest's vector, with its bytes in one buffer.
class Parts {
 public:
  explicit Parts(Call& call) : call_(call) {}

  // 0 or an error. A transfer of more than kMostBytes is a short one, as the kernel's own are.
  int take(uint64_t address, uint64_t count) {
    if (count > IOV_MAX) return -EINVAL;
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; ++i) {
      auto part = call_.get<iovec>(address + i * sizeof(iovec));
      if (!part) return -EFAULT;
      if (static_cast<int64_t>(part->iov_len) < 0) return -EINVAL;
      part->iov_len = std::min(part->iov_len, Call::kMostBytes - total);
      total += part->iov_len;
      parts_.push_back(*part);
    }
    const bool any = !parts_.empty();
    bytes_ = room_for(buffer_, total, any ? address_of(parts_.front()) : 0).first(total);
    return 0;
  }

  bool gather() {
    size_t at = 0;
    for (const iovec& part : parts_) {
      if (!call_.read(address_of(part), bytes_.data() + at, part.iov_len)) return false;
      at += part.iov_len;
    }
    return true;
  }

  // Keeps what the guest may write, up to the first byte that it may not. False if that is nothing,
  // and there was something.
  bool keep_writable() {
    size_t total = 0, kept = 0;
    for (auto part = parts_.begin(); part != parts_.end(); ++part) {
      const size_t wanted = part->iov_len;
      total += wanted;
      part->iov_len = call_.writable_part(address_of(*part), wanted);
      kept += part->iov_len;
      if (part->iov_len == wanted) continue;
      parts_.erase(part + 1, parts_.end());
      break;
    }
    bytes_ = bytes_.first(kept);
    return kept != 0 || total == 0;
  }

  bool scatter(uint64_t length) {
    size_t at = 0;
    for (const iovec& part : parts_) {
      const uint64_t size = std::min<uint64_t>(part.iov_len, length - at);
      if (!call_.write(address_of(part), bytes_.data() + at, size)) return false;
      at += size;
    }
    return true;
  }

  iovec host() { return {bytes_.data(), bytes_.size()}; }

 private:
  static uint64_t address_of(const iovec& part) {
    return reinterpret_cast<uintptr_t>(part.iov_base);
  }

  Call& call_;
  std::vector<iovec> parts_;
  std::vector<char> buffer_;
  std::span<char> bytes_;
};

// preadv2 and its kin take the offset in two words, and a 64-bit kernel only looks at the first.
struct Transfer {
  int host;
  bool reads;
  bool offset = false;
  bool flags = false;
};

CallResult transfer(Call& call, const Transfer& how) {
  Parts parts(call);
  if (const int error = parts.take(call.arguments[1], call.arguments[2]); error != 0) return error;
  if (how.reads ? !parts.keep_writable() : !parts.gather()) return -EFAULT;
  const int descriptor = call.number_at(0);
  const iovec one = parts.host();
  if (!how.offset && !how.reads)
    if (const auto done =
            write_in_parts(call, descriptor, {static_cast<const char*>(one.iov_base), one.iov_len}))
      return *done;
  if (!how.offset)
    if (const auto later = wait_until_ready(call, descriptor, how.reads ? POLLIN : POLLOUT))
      return *later;
  HostArguments arguments{{descriptor, pointer(&one), 1}};
  if (how.offset) arguments.a[3] = static_cast<long>(call.arguments[3]);
  if (how.flags) arguments.a[5] = static_cast<long>(call.arguments[5]);
  const long result = waiting_call(how.host, arguments);
  if (result < 0) return after_host(call, result, Restart::IfAsked);
  if (how.reads && !parts.scatter(static_cast<uint64_t>(result))) return -EFAULT;
  return result;
}

// Pages are copied: what the guest writes to them later does not change what is in the pipe.
CallResult vmsplice(Call& call) {
  const long flags = host_call(SYS_fcntl, {{call.number_at(0), F_GETFL}});
  if (flags < 0) return flags;
  return transfer(call, (flags & O_ACCMODE) == O_RDONLY ? Transfer{SYS_readv, true}
                                                        : Transfer{SYS_writev, false});
}

CallResult readv(Call& call) { return transfer(call, {SYS_readv, true}); }
CallResult writev(Call& call) { return transfer(call, {SYS_writev, false}); }
CallResult preadv(Call& call) { return transfer(call, {SYS_preadv, true, true}); }
CallResult pwritev(Call& call) { return transfer(call, {SYS_pwritev, false, true}); }
CallResult preadv2(Call& call) { return transfer(call, {SYS_preadv2, true, true, true}); }
CallResult pwritev2(Call& call) { return transfer(call, {SYS_pwritev2, false, true, true}); }

// A message of the guest and its copy for the host. msghdr and cmsghdr are the same on both.
class Message {
 public:
  explicit Message(Call& call) : call_(call), parts_(call) {}

  // 0 or an error.
  int take(uint64_t address, bool reads) {
    const auto guest = call_.get<msghdr>(address);
    if (!guest) return -EFAULT;
    guest_ = *guest;
    address_ = address;
    const int error = parts_.take(reinterpret_cast<uintptr_t>(guest_.msg_iov), guest_.msg_iovlen);
    if (error != 0) return error;
    if (reads ? !parts_.keep_writable() : !parts_.gather()) return -EFAULT;
    name_.resize(std::min<size_t>(guest_.msg_namelen, sizeof(sockaddr_storage)));
    control_.resize(std::min<size_t>(guest_.msg_controllen, Call::kBounce));
    if (!reads && (!read(guest_.msg_name, name_) || !read(guest_.msg_control, control_)))
      return -EFAULT;
    part_ = parts_.host();
    host_ = {.msg_name = guest_.msg_name == nullptr ? nullptr : name_.data(),
             .msg_namelen = static_cast<socklen_t>(name_.size()),
             .msg_iov = &part_,
             .msg_iovlen = 1,
             .msg_control = guest_.msg_control == nullptr ? nullptr : control_.data(),
             .msg_controllen = control_.size(),
             .msg_flags = guest_.msg_flags};
    return 0;
  }

  const msghdr& host() const { return host_; }

  // After a message of `length` bytes was received.
  bool give(uint64_t length) {
    const uint64_t most = part_.iov_len;
    if (!parts_.scatter(std::min(length, most))) return false;
    if (!write(guest_.msg_name, name_.data(), std::min<size_t>(host_.msg_namelen, name_.size())) ||
        !write(guest_.msg_control, control_.data(), host_.msg_controllen))
      return false;
    msghdr now = guest_;
    now.msg_namelen = host_.msg_namelen;
    now.msg_controllen = host_.msg_controllen;
    now.msg_flags = host_.msg_flags;
    return call_.put(address_, now);
  }

 private:
  bool read(const void* from, std::vector<char>& to) const {
    return from == nullptr || call_.read(reinterpret_cast<uintptr_t>(from), to.data(), to.size());
  }
  bool write(const void* to, const char* from, size_t size) const {
    return to == nullptr || call_.write(reinterpret_cast<uintptr_t>(to), from, size);
  }

  Call& call_;
  Parts parts_;
  uint64_t address_ = 0;
  msghdr guest_ = {}, host_ = {};
  iovec part_ = {};
  std::vector<char> name_, control_;
};

// `waits`: whether to ask first if the descriptor is ready (lockstep).
CallResult send_one(Call& call, uint64_t address, uint64_t flags) {
  Message message(call);
  if (const int error = message.take(address, false); error != 0) return error;
  const msghdr& host = message.host();
  if (const auto done =
          write_in_parts(call, call.number_at(0),
                         {static_cast<const char*>(host.msg_iov->iov_base), host.msg_iov->iov_len},
                         static_cast<int>(flags), &host))
    return *done;
  if ((flags & MSG_DONTWAIT) == 0)
    if (const auto later = wait_until_ready(call, call.number_at(0), POLLOUT)) return *later;
  return answer(call,
                waiting_call(SYS_sendmsg, {{call.number_at(0), pointer(&message.host()),
                                            static_cast<long>(flags)}}),
                Restart::IfAsked);
}

CallResult receive_one(Call& call, uint64_t address, uint64_t flags) {
  Message message(call);
  if (const int error = message.take(address, true); error != 0) return error;
  if ((flags & MSG_DONTWAIT) == 0)
    if (const auto later = wait_until_ready(call, call.number_at(0), POLLIN)) return *later;
  const long result = waiting_call(
      SYS_recvmsg, {{call.number_at(0), pointer(&message.host()), static_cast<long>(flags)}});
  if (result < 0) return after_host(call, result, Restart::IfAsked);
  return message.give(static_cast<uint64_t>(result)) ? result : -EFAULT;
}

CallResult sendmsg(Call& call) { return send_one(call, call.arguments[1], call.arguments[2]); }
CallResult recvmsg(Call& call) { return receive_one(call, call.arguments[1], call.arguments[2]); }

// Several messages: until one fails; the error counts only where none has passed before.
template <CallResult (*one)(Call&, uint64_t, uint64_t)>
CallResult several(Call& call, uint64_t flags, bool then_do_not_wait) {
  struct Entry {  // struct mmsghdr
    msghdr header;
    uint32_t length;
  };
  const uint64_t count = std::min<uint64_t>(call.arguments[2], IOV_MAX);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = call.arguments[1] + i * sizeof(Entry);
    const CallResult result = one(call, at, flags);
    if (result.next != SystemCalls::Next::Return || result.value < 0)
      return i == 0 ? result : CallResult(static_cast<int64_t>(i));
    if (!call.put(at + offsetof(Entry, length), static_cast<uint32_t>(result.value)))
      return -EFAULT;
    if (then_do_not_wait) flags |= MSG_DONTWAIT;
  }
  return static_cast<int64_t>(count);
}

CallResult sendmmsg(Call& call) { return several<send_one>(call, call.arguments[3], false); }

// The time limit is looked at between messages only (recvmmsg(2), BUGS), so it can be left out.
CallResult recvmmsg(Call& call) {
  const uint64_t flags = call.arguments[3];
  return several<receive_one>(call, flags & ~uint64_t{MSG_WAITFORONE},
                              (flags & MSG_WAITFORONE) != 0);
}

}  // namespace

CallRows vector_calls() {
  static constexpr CallRow rows[] = {
      {19, "readv", 3, readv},        {20, "writev", 3, writev},
      {46, "sendmsg", 3, sendmsg},    {47, "recvmsg", 3, recvmsg},
      {295, "preadv", 5, preadv},     {296, "pwritev", 5, pwritev},
      {299, "recvmmsg", 5, recvmmsg}, {307, "sendmmsg", 4, sendmmsg},
      {278, "vmsplice", 4, vmsplice}, {327, "preadv2", 6, preadv2},
      {328, "pwritev2", 6, pwritev2},
  };
  return rows;
}

}  // namespace mtetso
