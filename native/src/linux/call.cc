// SPDX-License-Identifier: MIT

#include "linux/call.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/mman.h>

#include "linux/process.h"
#include "memory/tags.h"

namespace mtetso {

CallResult from_host(long result) { return result < 0 ? -errno : result; }

CallResult not_there(Call&) { return -ENOSYS; }

Call::Call(LinuxProcess& of, GuestThread& by, Scheduler& turns)
    : process(of),
      thread(by),
      linux_thread(static_cast<LinuxThread&>(*by.personal)),
      scheduler(turns) {
  const auto& guest = by.frame->guest;
  const uint64_t all[] = {guest.rdi, guest.rsi, guest.rdx, guest.r10, guest.r8, guest.r9};
  std::copy(std::begin(all), std::end(all), arguments);
}

bool Call::lockstep() const { return process.options().threads == ThreadMode::Lockstep; }

int Call::host_number(int tid) const {
  const GuestThread* one = tid == getpid() ? nullptr : process.thread_of(tid);
  if (one == nullptr) return tid;
  if (lockstep()) return 0;
  return static_cast<int>(reinterpret_cast<mtedbg_Thread*>(one->frame->guest.thread)->host_tid);
}

// include/linux/posix-timers.h: the number of a thread or process, inverted, above three bits. In
// lockstep all threads share one host thread, and its time.
int Call::host_clock(int clock) const {
  constexpr int kOfThread = 4, kBits = 3, kMask = 7;
  if (clock >= 0 || (clock & kOfThread) == 0) return clock;
  return static_cast<int>(static_cast<unsigned>(~host_number(~(clock >> kBits))) << kBits) |
         (clock & kMask);
}

bool Call::read(uint64_t address, void* out, size_t length) const {
  return length == 0 || process.memory().host_read(frame(), address, out, length);
}

bool Call::write(uint64_t address, const void* in, size_t length) const {
  return length == 0 || process.memory().host_write(frame(), address, in, length);
}

bool Call::compare_swap(uint64_t address, uint32_t& seen, uint32_t made) const {
  return process.memory().host_compare_swap(frame(), address, seen, made);
}

// Granule by granule: the host must not touch granules after the end of the string.
int Call::read_string(uint64_t address, std::string& out, size_t most) const {
  out.clear();
  while (out.size() < most) {
    char part[kGranule];
    const size_t size = kGranule - (address & (kGranule - 1));
    if (!read(address, part, size)) return -EFAULT;
    const size_t length = strnlen(part, size);
    out.append(part, length);
    if (length < size) return out.size() < most ? 0 : -ENAMETOOLONG;
    address += size;
  }
  return -ENAMETOOLONG;
}

int Call::read_path(uint64_t address, std::string& out, int directory, bool follow) const {
  const int error = read_string(address, out);
  if (!follow && Paths::proc_name(out) == "self/exe") return error;
  if (error == 0) out = process.paths().on_host(host_thread_path(out), directory);
  return error;
}

// /proc/self/task/TID: by the host's number. In lockstep that is the one that all share.
std::string Call::host_thread_path(const std::string& path) const {
  constexpr std::string_view kTask = "self/task/";
  const std::string name = Paths::proc_name(path);
  if (!name.starts_with(kTask)) return path;
  const std::string tid = name.substr(kTask.size(), name.find('/', kTask.size()) - kTask.size());
  const int number = std::atoi(tid.c_str());
  int host = host_number(number);
  if (host == 0 && lockstep() && process.thread_of(number) != nullptr) host = getpid();
  if (host == 0) return path;
  return "/proc/" + std::string(kTask) + std::to_string(host) +
         name.substr(kTask.size() + tid.size());
}

bool Call::writable(uint64_t address, size_t length) const {
  return length == 0 || process.memory().allows(address, length, PROT_WRITE);
}

size_t Call::writable_part(uint64_t address, size_t length) const {
  if (writable(address, length)) return length;
  constexpr uint64_t kPage = GuestMemory::kGuestPage;
  for (size_t part = 0; part < length;) {
    const size_t size = std::min<size_t>(length - part, kPage - (address + part) % kPage);
    if (!writable(address + part, size)) return part;
    part += size;
  }
  return length;
}

}  // namespace mtetso
