// SPDX-License-Identifier: MIT
#include "linux/proc_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "debug/kept_file.h"
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

// What is open for reading, and empty: a file in RAM, or a pipe where the guest's limit of a file's
// length (RLIMIT_FSIZE) is lower than what it will have. Its ends are the same but in that case.
struct Ends {
  int reads = -1;
  int writes = -1;
};

Ends make_ends(const std::string& name, size_t length, int flags) {
  rlimit most = {};
  Ends ends;
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && length > most.rlim_cur) {
    int pair[2];
    if (pipe2(pair, flags != 0 ? O_CLOEXEC : 0) != 0) return ends;
    fcntl(pair[1], F_SETPIPE_SZ, static_cast<int>(length));
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    return {pair[0], pair[1]};
  }
  ends.reads = ends.writes = memfd_create(name.c_str(), flags != 0 ? MFD_CLOEXEC : 0);
  return ends;
}

// A file with these bytes, to be read from the beginning.
CallResult open_text(const std::string& name, const std::string& text, uint64_t flags) {
  constexpr uint64_t kWrites = 3, kCloseOnExec = 02000000;
  if ((flags & kWrites) != 0) return -EACCES;
  const Ends ends = make_ends(name, text.size(), (flags & kCloseOnExec) != 0);
  if (ends.reads < 0) return -errno;
  const bool whole = write_all(ends.writes, text);
  if (ends.writes != ends.reads) close(ends.writes);
  if (!whole) {
    close(ends.reads);
    return -ENOMEM;
  }
  if (ends.writes == ends.reads) fchmod(ends.reads, 0444);
  if (ends.writes == ends.reads) lseek(ends.reads, 0, SEEK_SET);
  return ends.reads;
}

// fs/proc/array.c: do_task_stat. The kernel's numbers, but for what is the guest's own: its
// threads, where its code, stack, arguments and environment are. From the file of the first thread,
// which an emulator does not write itself; times are those of all threads.
std::string process_state(Call& call) {
  std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_ends = text.rfind(')');
  if (name_ends == text.npos) return "";
  std::istringstream numbers(text.substr(name_ends + 1));
  std::vector<std::string> fields{"", "", ""};  // the first one is field 3, as proc(5) counts
  for (std::string one; numbers >> one;) fields.push_back(one);
  const auto set = [&](size_t field, uint64_t value) {
    if (field < fields.size()) fields[field] = std::to_string(value);
  };
  tms used = {};
  if (times(&used) != static_cast<clock_t>(-1)) {
    set(14, static_cast<uint64_t>(used.tms_utime));
    set(15, static_cast<uint64_t>(used.tms_stime));
    set(16, static_cast<uint64_t>(used.tms_cutime));
    set(17, static_cast<uint64_t>(used.tms_cstime));
  }
  const LoadedProgram& loaded = call.process.loaded();
  set(20, call.process.threads_alive());
  set(26, loaded.code_low);
  set(27, loaded.code_high);
  set(28, loaded.stack);
  set(29, 0);  // rsp and rip: shown of threads that have ended only
  set(30, 0);
  set(45, loaded.data_low);
  set(46, loaded.data_high);
  set(47, loaded.break_begin);
  set(48, loaded.arguments_low);
  set(49, loaded.environment_low);
  set(50, loaded.environment_low);
  set(51, loaded.environment_high);
  std::string line = text.substr(0, name_ends + 1);
  for (size_t i = 3; i < fields.size(); ++i) line += " " + fields[i];
  return line + "\n";
}

// Lockstep: the name of a thread that shares its host thread. One that is to be written is another
// thread's to set: EACCES.
std::optional<CallResult> open_thread_name(Call& call, const std::string& name, uint64_t flags) {
  constexpr std::string_view kTask = "self/task/", kComm = "/comm";
  if (!call.lockstep() || !name.starts_with(kTask) || !name.ends_with(kComm)) return std::nullopt;
  const int tid = std::atoi(name.c_str() + kTask.size());
  const GuestThread* thread = tid == getpid() ? nullptr : call.process.thread_of(tid);
  if (thread == nullptr) return std::nullopt;
  return open_text(name, call.process.name_of(static_cast<LinuxThread&>(*thread->personal)) + "\n",
                   flags);
}

}  // namespace

std::optional<CallResult> open_proc_file(Call& call, const std::string& path, uint64_t flags) {
  const std::string name = Paths::proc_name(path);
  if (name == "cpuinfo") return open_text(name, cpuinfo(), flags);
  if (name == "self/cmdline") return open_text(name, joined(call.process.command_line()), flags);
  if (name == "self/maps") return open_text(name, call.process.maps(), flags);
  if (name == "self/stat") return open_text(name, process_state(call), flags);
  if (name == "self/auxv") {
    const auto& words = call.process.auxiliary();
    return open_text(name, {reinterpret_cast<const char*>(words.data()), words.size() * 8}, flags);
  }
  return open_thread_name(call, name, flags);
}

}  // namespace mtetso
