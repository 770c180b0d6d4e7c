// SPDX-License-Identifier: MIT
#include "linux/proc_files.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "linux/host_call.h"
#include "linux/paths.h"
#include "linux/process.h"

namespace mtetso {
namespace {

// What x86-64-v1 has, as CPUID tells the guest (translate/helpers.cc).
constexpr const char* kCpuFlags =
    "fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm cx16 popcnt constant_tsc";

std::string cpuinfo() {
  std::string text;
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  for (long i = 0; i < cpus; ++i)
    text += "processor\t: " + std::to_string(i) +
            "\nvendor_id\t: mtetso guest\ncpu family\t: 15\nmodel\t\t: 0\n"
            "model name\t: mtetso guest\nstepping\t: 0\ncpu MHz\t\t: 1000.000\n"
            "cache size\t: 0 KB\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 7\n"
            "wp\t\t: yes\nflags\t\t: " +
            kCpuFlags +
            "\nbogomips\t: 2000.00\nclflush size\t: 64\naddress sizes\t: 48 bits physical, "
            "48 bits virtual\n\n";
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += word, text += '\0';
  return text;
}

// A file in RAM with these bytes, to be read from the beginning.
CallResult open_text(const std::string& name, const std::string& text, uint64_t flags) {
  constexpr uint64_t kWrites = 3, kCloseOnExec = 02000000;
  if ((flags & kWrites) != 0) return -EACCES;
  const int file = memfd_create(name.c_str(), (flags & kCloseOnExec) != 0 ? MFD_CLOEXEC : 0);
  if (file < 0) return -errno;
  for (size_t at = 0; at < text.size();) {
    const ssize_t done = ::write(file, text.data() + at, text.size() - at);
    if (done <= 0) {
      close(file);
      return -ENOMEM;
    }
    at += static_cast<size_t>(done);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

}  // namespace

std::optional<CallResult> open_proc_file(Call& call, const std::string& path, uint64_t flags) {
  const std::string name = Paths::proc_name(path);
  if (name == "cpuinfo") return open_text(name, cpuinfo(), flags);
  if (name == "self/cmdline") return open_text(name, joined(call.process.command_line()), flags);
  if (name == "self/maps") return open_text(name, call.process.maps(), flags);
  if (name == "self/auxv") {
    const auto& words = call.process.auxiliary();
    return open_text(name, {reinterpret_cast<const char*>(words.data()), words.size() * 8}, flags);
  }
  return std::nullopt;
}

}  // namespace mtetso
