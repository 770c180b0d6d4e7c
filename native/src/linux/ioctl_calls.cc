// SPDX-License-Identifier: MIT
//
// ioctl: the requests of terminals, files and sockets that programs use. Their numbers are the same
// on both machines (include/uapi/asm-generic/{ioctl,ioctls}.h, linux/{fs,sockios}.h), and so are
// the structures. Newer numbers say how many bytes go in which direction; for the older ones a
// table does.
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "linux/call.h"
#include "linux/descriptors.h"

namespace mtetso {
namespace {

enum class Direction : uint8_t { Value, In, Out, InOut };

struct Request {
  uint32_t number;
  Direction direction;
  uint32_t size;  // bytes
};

constexpr uint32_t kTermios = 36, kInt = 4, kWindow = 8, kInterface = 40;

constexpr Request kRequests[] = {
    {TCGETS, Direction::Out, kTermios},
    {TCSETS, Direction::In, kTermios},
    {TCSETSW, Direction::In, kTermios},
    {TCSETSF, Direction::In, kTermios},
    {TCSBRK, Direction::Value, 0},
    {TCSBRKP, Direction::Value, 0},
    {TCXONC, Direction::Value, 0},
    {TCFLSH, Direction::Value, 0},
    {TIOCEXCL, Direction::Value, 0},
    {TIOCNXCL, Direction::Value, 0},
    {TIOCSCTTY, Direction::Value, 0},
    {TIOCNOTTY, Direction::Value, 0},
    {TIOCCONS, Direction::Value, 0},
    {TIOCGPTPEER, Direction::Value, 0},
    {TIOCGPGRP, Direction::Out, kInt},
    {TIOCSPGRP, Direction::In, kInt},
    {TIOCGSID, Direction::Out, kInt},
    {TIOCOUTQ, Direction::Out, kInt},
    {TIOCSTI, Direction::In, 1},
    {TIOCGWINSZ, Direction::Out, kWindow},
    {TIOCSWINSZ, Direction::In, kWindow},
    {TIOCMGET, Direction::Out, kInt},
    {TIOCMBIS, Direction::In, kInt},
    {TIOCMBIC, Direction::In, kInt},
    {TIOCMSET, Direction::In, kInt},
    {TIOCGETD, Direction::Out, kInt},
    {TIOCSETD, Direction::In, kInt},
    {TIOCPKT, Direction::In, kInt},
    {FIONREAD, Direction::Out, kInt},
    {FIONBIO, Direction::In, kInt},
    {FIOASYNC, Direction::In, kInt},
    {FIONCLEX, Direction::Value, 0},
    {FIOCLEX, Direction::Value, 0},
    {FIOQSIZE, Direction::Out, 8},
    {FIGETBSZ, Direction::InOut, kInt},
    {FIBMAP, Direction::InOut, kInt},
    {FICLONE, Direction::Value, 0},
    {BLKROGET, Direction::Out, kInt},
    {BLKGETSIZE, Direction::Out, 8},
    {BLKSSZGET, Direction::Out, kInt},
    {SIOCGIFNAME, Direction::InOut, kInterface},
    {SIOCGIFFLAGS, Direction::InOut, kInterface},
    {SIOCGIFADDR, Direction::InOut, kInterface},
    {SIOCGIFBRDADDR, Direction::InOut, kInterface},
    {SIOCGIFDSTADDR, Direction::InOut, kInterface},
    {SIOCGIFNETMASK, Direction::InOut, kInterface},
    {SIOCGIFMETRIC, Direction::InOut, kInterface},
    {SIOCGIFTXQLEN, Direction::InOut, kInterface},
    {SIOCGIFMTU, Direction::InOut, kInterface},
    {SIOCGIFHWADDR, Direction::InOut, kInterface},
    {SIOCGIFINDEX, Direction::InOut, kInterface},
};

// Newer requests, of terminals, files and block devices, have no pointers in their structures.
const Request* find(uint32_t number, Request& made) {
  const auto* known = std::find_if(std::begin(kRequests), std::end(kRequests),
                                   [&](const Request& one) { return one.number == number; });
  if (known != std::end(kRequests)) return known;
  const uint32_t type = _IOC_TYPE(number), direction = _IOC_DIR(number);
  constexpr uint32_t kTypes[] = {'T', 'f', 'X', 0x94, 0x12};
  if (direction == _IOC_NONE ||
      std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes))
    return nullptr;
  made = {number,
          direction == _IOC_READ    ? Direction::Out
          : direction == _IOC_WRITE ? Direction::In
                                    : Direction::InOut,
          _IOC_SIZE(number)};
  return &made;
}

// The addresses of all interfaces, in a buffer of the guest's; without one, how long it must be.
CallResult interfaces(Call& call, long file, uint64_t address) {
  constexpr int kMost = 1 << 20;
  auto asked = call.get<ifconf>(address);
  if (!asked) return -EFAULT;
  const auto buffer = reinterpret_cast<uint64_t>(asked->ifc_buf);
  ifconf mine = {};
  mine.ifc_len = std::clamp(asked->ifc_len, 0, kMost);
  // Never empty: no buffer is another question.
  std::vector<char> bytes(static_cast<size_t>(mine.ifc_len) + 1);
  if (buffer != 0) mine.ifc_buf = bytes.data();
  const long result =
      host_call(SYS_ioctl, {{file, long{SIOCGIFCONF}, reinterpret_cast<long>(&mine)}});
  if (result < 0) return result;
  if (buffer != 0 && !call.write(buffer, bytes.data(), static_cast<size_t>(mine.ifc_len)))
    return -EFAULT;
  return call.write(address, &mine.ifc_len, sizeof mine.ifc_len) ? result : -EFAULT;
}

CallResult ioctl(Call& call) {
  const auto number = static_cast<uint32_t>(call.arguments[1]);
  const uint64_t address = call.arguments[2];
  if (number == SIOCGIFCONF) return interfaces(call, call.number_at(0), address);
  Request made;
  const Request* request = find(number, made);
  if (request == nullptr) return -ENOTTY;
  HostArguments arguments{
      {call.number_at(0), static_cast<long>(number), static_cast<long>(address)}};
  if (request->direction == Direction::Value)
    return answer(call, waiting_call(SYS_ioctl, arguments), Restart::IfAsked);
  std::vector<char> bytes(request->size);
  const bool in = request->direction != Direction::Out, out = request->direction != Direction::In;
  if (in && !call.read(address, bytes.data(), bytes.size())) return -EFAULT;
  if (out && !call.writable(address, bytes.size())) return -EFAULT;
  arguments.a[2] = reinterpret_cast<long>(bytes.data());
  const long result = waiting_call(SYS_ioctl, arguments);
  if (result < 0) return after_host(call, result, Restart::IfAsked);
  return !out || call.write(address, bytes.data(), bytes.size()) ? result : -EFAULT;
}

}  // namespace

CallRows ioctl_calls() {
  static constexpr CallRow rows[] = {{16, "ioctl", 3, ioctl}};
  return rows;
}

}  // namespace mtetso
