// SPDX-License-Identifier: MIT

#include "linux/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <thread>

#include "debug/root.h"
#include "debug/say.h"
#include "linux/arrival.h"
#include "linux/exec.h"
#include "linux/loader.h"
#include "linux/traps.h"
#include "status.h"
#include "translate/rflags.h"

namespace mtetso {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kName = 16;  // TASK_COMM_LEN

uint64_t page_up(uint64_t address) { return (address + kPage - 1) & ~(kPage - 1); }

// "NAME=VALUE" instead of what is there for NAME; "NAME" alone removes it.
void set_variable(std::vector<std::string>& environment, const std::string& text) {
  const std::string name = text.substr(0, text.find('=')) + "=";
  std::erase_if(environment, [&](const std::string& one) { return one.starts_with(name); });
  if (text.find('=') != std::string::npos) environment.push_back(text);
}

// The first thread's stack, in bytes: what its limit allows, within reason.
uint64_t stack_size() {
  constexpr rlim_t kLeast = 1 << 20, kMost = 1 << 30;
  rlimit most = {};
  if (getrlimit(RLIMIT_STACK, &most) != 0) return LoadRequest().stack_size;
  return page_up(std::clamp(most.rlim_cur, kLeast, kMost));
}

constexpr int64_t kHighestError = 4095;  // include/linux/err.h: MAX_ERRNO

std::vector<std::string> argv_of(const Options& options) {
  std::vector<std::string> all{options.argv0.value_or(options.guest)};
  all.insert(all.end(), options.arguments.begin(), options.arguments.end());
  return all;
}

}  // namespace

LinuxProcess::LinuxProcess(const Options& options, Process& process)
    : options_(options),
      process_(process),
      modules_(process.engine(), process.memory()),
      paths_(options.sysroot, options.guest),
      command_line_(argv_of(options)) {
  // The C library takes a signal for itself when it makes its first thread, and it is the guest's:
  // before the guest has a handler for it.
  if (options.threads == ThreadMode::Threads || options.tier_up != 0) std::thread([] {}).join();
  const std::string& path = options.trace_calls;
  if (path.empty() || path == "-") return;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options.executed ? O_APPEND : O_TRUNC);
  const int file = open(path.c_str(), flags, 0666);
  if (file < 0)
    throw StatusError(Status::CannotOpen, "cannot write " + path + ": " + std::strerror(errno));
  trace_.take(file);
}

// fs/exec.c: begin_new_exec. Of a file that a descriptor has named, the file's own name.
std::string LinuxProcess::process_name(const std::string& executed) const {
  const bool descriptor = executed.starts_with("/dev/fd/");
  const std::string& path = descriptor ? paths_.executable() : executed;
  const std::string name = path.substr(path.rfind('/') + 1);
  return descriptor ? name.substr(0, name.find(" (deleted)")) : name;
}

GuestThread& LinuxProcess::start() {
  LoadRequest request;
  request.path = options_.guest;
  request.name = options_.exec_name.empty() ? options_.guest : options_.exec_name;
  request.arguments = command_line_;
  for (char** one = environ; *one != nullptr; ++one) request.environment.emplace_back(*one);
  for (const std::string& one : options_.environment) set_variable(request.environment, one);
  request.sysroot = options_.sysroot;
  request.stack_size = stack_size();
  const bool shared = options_.data_start == MTEDBG_Mode_Shared;
  request.tag = shared ? memory().protocol().shared_tag() : process_.first_tag();
  memory().expect_calls(request.tag);
  const auto code = [this](const std::string& path, int file, uint64_t offset, uint64_t length,
                           uint64_t at) { modules_.map_file(path, file, offset, length, at); };
  const LoadedProgram& loaded = loaded_ = load_program(request, memory(), code);
  close_after_exec(options_);
  break_begin_ = break_ = loaded.break_begin;
  const ThreadStart first{.rip = loaded.entry,
                          .rsp = loaded.stack,
                          .fs_base = 0,
                          .stack_low = loaded.stack_low,
                          .stack_high = loaded.stack_high};
  auto own = std::make_unique<LinuxThread>();
  own->mask = current_host_mask();
  GuestThread& thread = *add_thread(first, nullptr, std::move(own));
  set_name(static_cast<LinuxThread&>(*thread.personal), process_name(request.name));
  return thread;
}

// Numbers of threads are those of the process and upwards: the first one's is the process's.
GuestThread* LinuxProcess::add_thread(const ThreadStart& start, const GuestThread* like,
                                      std::unique_ptr<LinuxThread> own) {
  GuestThread* thread = process_.make_linux_thread(start, like);
  if (thread == nullptr) return nullptr;
  own->tid = static_cast<int32_t>(getpid()) + static_cast<int32_t>(thread->id) - 1;
  thread->personal = std::move(own);
  alive_.fetch_add(1);
  return thread;
}

// In lockstep all share one host thread, which has the name of the process.
bool LinuxProcess::has_host_name(const LinuxThread& thread) const {
  return options_.threads == ThreadMode::Threads || thread.tid == getpid();
}

std::string LinuxProcess::name_of(const LinuxThread& thread) const {
  if (!has_host_name(thread)) return thread.name;
  char name[kName] = {};
  host_call(SYS_prctl, {{PR_GET_NAME, reinterpret_cast<long>(name)}});
  return name;
}

void LinuxProcess::set_name(LinuxThread& thread, const std::string& name) const {
  const std::string kept = name.substr(0, kName - 1);
  if (!has_host_name(thread))
    thread.name = kept;
  else
    host_call(SYS_prctl, {{PR_SET_NAME, reinterpret_cast<long>(kept.c_str())}});
}

GuestThread* LinuxProcess::thread_of(int32_t tid) {
  for (GuestThread* thread : process_.threads())
    if (!thread->exited && static_cast<LinuxThread&>(*thread->personal).tid == tid) return thread;
  return nullptr;
}

void LinuxProcess::become_child(GuestThread& thread) {
  auto& own = static_cast<LinuxThread&>(*thread.personal);
  const bool had_host_name = has_host_name(own) || own.name.empty();
  own.tid = static_cast<int32_t>(getpid());
  if (!had_host_name) set_name(own, own.name);
  own.robust_list = 0;
  own.futex_waits = false;
  alive_.store(1);
  futexes_.forget_others();
  own.sent.clear();
}

void LinuxProcess::before_code(GuestThread& thread) {
  const bool lockstep = options_.threads == ThreadMode::Lockstep;
  if (lockstep && alive_.load(std::memory_order_relaxed) > 1)
    return signals_.deliver(memory(), thread, process_.threads());
  signals_.deliver(memory(), thread, {});
}

void LinuxProcess::before_end() {
  for (GuestThread* thread : process_.threads())
    if (!thread->exited) futexes_.leave_robust(memory(), *thread);
}

bool LinuxProcess::interrupted() const { return arrived() != 0; }

long LinuxProcess::wait(std::span<pollfd> descriptors, const timespec* limit) {
  return signals_.wait(process_.threads(), descriptors, limit);
}

int LinuxProcess::trap(GuestThread& thread, Trap what, uint64_t address) {
  if (what == Trap::NoCode) {
    // Another thread may have been changing what is mapped there.
    std::scoped_lock hold(mapping_lock_);
    if (process_.engine().has_code(address)) return 0;
  }
  const GuestTrap trap = describe_trap(what, thread.frame->guest.rip, address);
  return signals_.raise(memory(), thread, trap) ? 0 : trap.signal;
}

uint64_t LinuxProcess::move_break(const GuestThread&, uint64_t wanted) {
  std::scoped_lock hold(mapping_lock_);
  if (wanted < break_begin_ || wanted > GuestMemory::kTop) return break_;
  const uint64_t mapped = page_up(break_), needed = page_up(wanted);
  if (needed > mapped &&
      (!memory().is_free(mapped, needed - mapped) ||
       memory().map_anonymous(mapped, needed - mapped, PROT_READ | PROT_WRITE) != 0))
    return break_;
  if (needed < mapped) memory().unmap(needed, mapped - needed);
  return break_ = wanted;
}

// fs/proc/task_mmu.c: show_map_vma.
std::string LinuxProcess::maps() {
  constexpr size_t kNameColumn = 73;
  std::string text;
  std::scoped_lock hold(mapping_lock_);
  const auto add = [&](uint64_t begin, const Region& region) {
    const auto* file = region.file == 0 ? nullptr : &memory().file_of(region);
    char line[128];
    std::snprintf(line, sizeof line,
                  "%08" PRIx64 "-%08" PRIx64 " %c%c%c%c %08" PRIx64 " %02x:%02x %" PRIu64 " ",
                  begin, region.end, (region.protection & PROT_READ) != 0 ? 'r' : '-',
                  (region.protection & PROT_WRITE) != 0 ? 'w' : '-', region.executes ? 'x' : '-',
                  region.shared ? 's' : 'p', region.offset,
                  file == nullptr ? 0 : major(file->device),
                  file == nullptr ? 0 : minor(file->device), file == nullptr ? 0 : file->inode);
    std::string name = file == nullptr ? "" : file->path;
    if (begin <= loaded_.stack_low && loaded_.stack_low < region.end) name = "[stack]";
    if (file == nullptr && begin < break_ && region.end > break_begin_) name = "[heap]";
    std::string whole = line;
    if (!name.empty()) whole.resize(std::max(whole.size(), kNameColumn), ' ');
    text += whole + name + "\n";
  };
  // The kernel's mappings do not end where memory has not been touched yet, or has no tags.
  uint64_t first = 0;
  Region all;
  memory().visit([&](uint64_t begin, const Region& region) {
    Region next = region;
    next.fresh = all.fresh;
    next.kind = all.kind;
    next.host = all.behind(begin - first).host;
    const bool apart = begin != all.end || begin == loaded_.stack_low || begin == break_begin_ ||
                       begin == break_ || !next.continues(all, begin - first);
    if (apart) {
      if (all.end != 0) add(first, all);
      first = begin;
      all = region;
    } else {
      all.end = region.end;
    }
  });
  if (all.end != 0) add(first, all);
  return text;
}

SystemCalls::Next LinuxProcess::call(GuestThread& thread, Scheduler& scheduler) {
  auto& guest = thread.frame->guest;
  const uint64_t number = guest.rax;
  guest.rcx = guest.rip;
  guest.r11 = rflags_of(*thread.frame);
  Call call(*this, thread, scheduler);
  call.linux_thread.retrying.reset();
  const CallRow* row = table_.find(number);
  if (row == nullptr) report_missing(number);
  try {
    const CallResult result = row == nullptr ? CallResult(-ENOSYS) : row->function(call);
    if (result.next != Next::Retry) {
      call.linux_thread.deadline.reset();
      call.linux_thread.moved = 0;
      call.linux_thread.waits_outside = false;
      trace(call, row, number, result);
    }
    return finish(thread, result);
  } catch (const GuestExit& exit) {
    trace(call, row, number, exit.status);
    throw;
  }
}

SystemCalls::Next LinuxProcess::finish(GuestThread& thread, const CallResult& result) {
  if (result.next == Next::Return || result.next == Next::Yield)
    thread.frame->guest.rax = static_cast<uint64_t>(result.value);
  return result.next;
}

void LinuxProcess::report_missing(uint64_t number) {
  constexpr uint64_t kX32 = uint64_t{1} << 30;  // __X32_SYSCALL_BIT
  const bool known = number < CallTable::kNumbers;
  std::string name = missing_call_name(number);
  if (!known && (number & kX32) != 0) name = "of x32";
  {
    std::scoped_lock hold(lock_);
    if (std::exchange(known ? reported_[number] : reported_other_, true)) return;
  }
  note_missing(name.empty() ? std::to_string(number) : name);
  say("system call " + std::to_string(number) + (name.empty() ? "" : ", ") + name +
      " is not supported: ENOSYS");
}

// One line a call: "[tid] name(arguments) = result".
void LinuxProcess::trace(const Call& call, const CallRow* row, uint64_t number,
                         const CallResult& result) {
  if (options_.trace_calls.empty()) return;
  std::string line = "[" + std::to_string(call.linux_thread.tid) + "] ";
  const char* name = row != nullptr ? row->name : missing_call_name(number);
  line += *name != 0 ? std::string(name) : "call_" + std::to_string(number);
  line += '(';
  const uint32_t count = row != nullptr ? row->arguments : std::size(call.arguments);
  for (uint32_t i = 0; i < count; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%s0x%" PRIx64, i == 0 ? "" : ", ", call.arguments[i]);
    line += text;
  }
  line += ") = ";
  if (result.value < 0 && result.value >= -kHighestError)
    line += std::string(strerrorname_np(static_cast<int>(-result.value)));
  else if (result.value < 0 || result.value > 0xffff)
    line += [&] {
      char text[32];
      std::snprintf(text, sizeof text, "0x%" PRIx64, static_cast<uint64_t>(result.value));
      return std::string(text);
    }();
  else
    line += std::to_string(result.value);
  line += '\n';
  if (options_.trace_calls == "-")
    say_text(line);
  else
    trace_.write(line);
}

}  // namespace mtetso
