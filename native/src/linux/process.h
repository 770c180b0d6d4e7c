// SPDX-License-Identifier: MIT
//
// A process of an unmodified x86-64 Linux program: what the kernel would know of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/kept_file.h"
#include "linux/abi.h"
#include "linux/call.h"
#include "linux/futexes.h"
#include "linux/host_call.h"
#include "linux/loader.h"
#include "linux/modules.h"
#include "linux/paths.h"
#include "linux/signals.h"
#include "linux/table.h"
#include "run/process.h"
#include "run/system_calls.h"

namespace mtetso {

struct LinuxThread : PersonalThread {
  int32_t tid = 0;               // what gettid says
  uint64_t clear_child_tid = 0;  // set_tid_address, CLONE_CHILD_CLEARTID
  uint64_t robust_list = 0;
  // Lockstep, of all but the process's first thread, whose name is the host thread's (PR_SET_NAME).
  std::string name;

  FutexWaiter futex;
  bool futex_waits = false;             // it is in a queue, or was just woken
  std::optional<uint64_t> futex_until;  // lockstep: its deadline (CLOCK_MONOTONIC, nanoseconds)

  // What a new thread has from this one.
  std::unique_ptr<LinuxThread> child() const {
    auto made = std::make_unique<LinuxThread>();
    made->mask = mask;
    made->name = name;
    return made;
  }

  uint64_t mask = 0;  // of signals
  x86::SignalStack stack{.sp = 0, .flags = SS_DISABLE, .pad = 0, .size = 0};
  // A child of vfork: the pipe to its parent, and the parent's stack (linux/fork.cc).
  int vfork_end = -1;
  uint64_t vfork_rsp = 0;
  size_t vfork_size = 0;
  // Lockstep:
  std::vector<siginfo_t> sent;        // signals for this thread
  std::optional<Restart> retrying;    // of the call that it makes again until it has an answer
  std::optional<uint64_t> deadline;   // that call's (CLOCK_MONOTONIC, nanoseconds)
  bool waits_outside = false;         // for a word in memory that is shared
  size_t moved = 0;                   // bytes that it has written so far
  std::optional<uint64_t> suspended;  // rt_sigsuspend: the mask that it has afterwards

  // Ends that; returns the mask that it has then.
  uint64_t end_suspension() { return std::exchange(suspended, std::nullopt).value_or(mask); }
};

class LinuxProcess : public SystemCalls {
 public:
  // Both outlive it. Throws StatusError if the trace of the calls cannot be written.
  LinuxProcess(const Options& options, Process& process);

  // Maps the program and makes its first thread. Throws StatusError, CodeError.
  GuestThread& start();

  Next call(GuestThread& thread, Scheduler& scheduler) override;
  void before_code(GuestThread& thread) override;
  bool interrupted() const override;
  // What the kernel does for those that share memory with it.
  void before_end() override;
  bool awaits_signals() override { return signals_.awaited(process_.threads()); }
  long wait(std::span<pollfd> descriptors, const timespec* limit) override;
  int trap(GuestThread& thread, Trap what, uint64_t address) override;

  const Options& options() const { return options_; }
  Process& process() { return process_; }
  GuestMemory& memory() { return process_.memory(); }
  Signals& signals() { return signals_; }
  const Paths& paths() const { return paths_; }
  // The thread that gettid calls so; null if it is not one of this process.
  GuestThread* thread_of(int32_t tid);
  // Says, once, that there is no such call here.
  void report_missing(uint64_t number);
  // What the kernel calls it (PR_GET_NAME): at most 15 bytes.
  std::string name_of(const LinuxThread& thread) const;
  void set_name(LinuxThread& thread, const std::string& name) const;
  // In a child process, whose only thread this is.
  void become_child(GuestThread& thread);
  // The guest's argv.
  const std::vector<std::string>& command_line() const { return command_line_; }
  // As the kernel shows them: /proc/self/auxv, /proc/self/maps.
  const std::vector<uint64_t>& auxiliary() const { return loaded_.auxiliary; }
  const LoadedProgram& loaded() const { return loaded_; }
  uint32_t threads_alive() const { return alive_.load(); }
  std::string maps();
  Modules& modules() { return modules_; }
  Futexes& futexes() { return futexes_; }
  // A thread that has not run yet, with `like`'s registers if there is one; null if there are too
  // many. It gets a number.
  GuestThread* add_thread(const ThreadStart& start, const GuestThread* like,
                          std::unique_ptr<LinuxThread> own);
  // The calling thread ends: whether it is the last one.
  bool last_thread() { return alive_.fetch_sub(1) == 1; }
  // Of calls that change what is mapped where.
  std::mutex& mapping_lock() { return mapping_lock_; }

  // brk(2): the end of the data segment; the new one if `wanted` is possible, else as it was.
  uint64_t move_break(const GuestThread& thread, uint64_t wanted);

 private:
  bool has_host_name(const LinuxThread& thread) const;
  std::string process_name(const std::string& executed) const;
  Next finish(GuestThread& thread, const CallResult& result);
  void trace(const Call& call, const CallRow* row, uint64_t number, const CallResult& result);

  const Options& options_;
  Process& process_;
  const CallTable table_;
  Modules modules_;
  Futexes futexes_;
  std::atomic<uint32_t> alive_{0};  // threads
  Signals signals_{futexes_};
  const Paths paths_;
  const std::vector<std::string> command_line_;
  LoadedProgram loaded_;
  std::mutex mapping_lock_;
  KeptFile trace_;
  std::mutex lock_;  // of all below
  uint64_t break_begin_ = 0;
  uint64_t break_ = 0;
  bool reported_[CallTable::kNumbers] = {};
  bool reported_other_ = false;  // a number beyond those
};

}  // namespace mtetso
