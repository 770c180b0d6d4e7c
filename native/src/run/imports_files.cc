// SPDX-License-Identifier: MIT
//
// Host functions that bring a file's bytes into the guest's memory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "debug/say.h"
#include "memory/tags.h"
#include "run/imports.h"

namespace mtetso {
namespace {

constexpr uint64_t kFailed = ~uint64_t{0};
constexpr uint64_t kMaxFile = 1ull << 30;
constexpr size_t kMaxPath = 4096;

struct OpenFile {
  explicit OpenFile(const std::string& path)
      : descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor >= 0) close(descriptor);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const int descriptor;
};

// Once: the reason is the same for every file on a disk.
void warn_of_the_copy(const std::string& path, const char* why) {
  static std::atomic<bool> told{false};
  if (told.exchange(true)) return;
  say(path + ": mappings of this file cannot have memory tags (" + why +
      "): PROT_MTE is for anonymous memory and files in RAM (tmpfs, memfd); the guest gets a copy "
      "in tagged memory, as it does for every such file");
}

}  // namespace

// Granule by granule: the host must not touch granules after the end of the string.
bool Imports::read_text(GuestThread& thread, uint64_t address, std::string& text) {
  while (text.size() < kMaxPath) {
    char part[kGranule];
    const size_t size = kGranule - (address & (kGranule - 1));
    if (!process_.memory().host_read(&thread.frame->guest, address, part, size)) return false;
    const size_t length = strnlen(part, size);
    text.append(part, length);
    if (length < size) return true;
    address += size;
  }
  return false;
}

// read(bytes, size) from standard input: how many bytes, at most 64 KiB at once.
Imports::Next Imports::read(GuestThread& thread, CallRegisters& registers) {
  std::string buffer(std::min<uint64_t>(registers.rsi, 64 << 10), '\0');
  ssize_t got;
  do got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  while (got < 0 && errno == EINTR);
  registers.rax = static_cast<uint64_t>(got);
  auto* frame = &thread.frame->guest;
  if (got < 0 ||
      !process_.memory().host_write(frame, registers.rdi, buffer.data(), static_cast<size_t>(got)))
    registers.rax = kFailed;
  return Next::Return;
}

// map_file(path, length): the address, and the length to *length; 0 if that fails.
Imports::Next Imports::map_file(GuestThread& thread, CallRegisters& registers) {
  auto* frame = &thread.frame->guest;
  GuestMemory& memory = process_.memory();
  std::string path;
  registers.rax = 0;
  if (!read_text(thread, registers.rdi, path)) return Next::Return;
  const OpenFile file(path);
  struct stat about = {};
  if (file.descriptor < 0 || fstat(file.descriptor, &about) != 0 || about.st_size <= 0 ||
      static_cast<uint64_t>(about.st_size) > kMaxFile)
    return Next::Return;
  const auto length = static_cast<uint64_t>(about.st_size);
  if (!memory.host_write(frame, registers.rsi, &length, sizeof length)) return Next::Return;
  const auto mapped =
      memory.map_file(file.descriptor, length, static_cast<uint32_t>(frame->host_core_id));
  if (mapped.address != 0 && mapped.refused != 0)
    warn_of_the_copy(path, std::strerror(mapped.refused));
  registers.rax = mapped.address;
  return Next::Return;
}

}  // namespace mtetso
