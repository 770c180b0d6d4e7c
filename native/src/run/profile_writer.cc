// SPDX-License-Identifier: MIT

#include "run/profile_writer.h"

#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>
#include <thread>

#include "debug/root.h"
#include "debug/say.h"
#include "run/fork_gate.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr int kSignals[] = {SIGHUP, SIGINT, SIGTERM};

// What the handler uses. No descriptor: programs close those that they do not know, and their own
// file would have its number.
sem_t g_wake;
pid_t g_owner = 0;
std::atomic<ProfileWriter*> g_writer{nullptr};
std::atomic<int> g_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

// Whether the program that runs began neither with this process nor with execve in it.
bool is_fork() { return getpid() != g_owner; }

void take_default(int signal) { std::signal(signal, SIG_DFL); }

void on_signal(int signal) {
  // A child by fork has no such thread: there it is as without a profile.
  if (is_fork()) {
    take_default(signal);
    raise(signal);
    return;
  }
  const int error = errno;
  g_signal.store(signal, std::memory_order_release);
  // It can only fail where the thread was woken 2^31 - 1 times already.
  (void)sem_post(&g_wake);
  errno = error;
}

void take_signals() {
  for (const int signal : kSignals) {
    struct sigaction known {};
    if (sigaction(signal, nullptr, &known) == 0 && known.sa_handler == SIG_DFL)
      ProfileWriter::take(signal);
  }
}

// Behind the folder, which may have %p in its name.
size_t name_begins(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? 0 : slash + 1;
}

// Whether the file's name has the process id in it.
bool has_own_name(const Options& options) {
  const std::string& path = options.profile_out;
  return options.executed || is_fork() || path.find("%p", name_begins(path)) != std::string::npos;
}

// The file's name: %p is the process id. Without it, processes that the first one has made have
// theirs behind the name. Programs that one process executes have their numbers behind that: each
// has a file of its own.
std::string path_of(const Options& options) {
  std::string path = options.profile_out;
  const size_t name = name_begins(path);
  if (has_own_name(options) && path.find("%p", name) == std::string::npos) path += ".%p";
  for (size_t at = name; (at = path.find("%p", at)) != std::string::npos;)
    path.replace(at, 2, std::to_string(getpid()));
  if (!is_fork() && options.executed_before != 0)
    path += "." + std::to_string(options.executed_before);
  return path;
}

// Whether the handler did it; false if so many seconds have passed (0: any number).
bool wait_to_be_woken(uint32_t seconds) {
  timespec until = {};
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += seconds;
  for (;;) {
    const int failed =
        seconds == 0 ? sem_wait(&g_wake) : sem_clockwait(&g_wake, CLOCK_MONOTONIC, &until);
    if (failed == 0) return true;
    if (errno == ETIMEDOUT) return false;
  }
}

[[noreturn]] void end_by(int signal) {
  take_default(signal);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  kill(getpid(), signal);
  for (;;) pause();
}

}  // namespace

bool ProfileWriter::take(int signal) {
  if (g_owner == 0 || std::ranges::find(kSignals, signal) == std::end(kSignals)) return false;
  struct sigaction taken {};
  taken.sa_handler = on_signal;
  taken.sa_flags = SA_RESTART | SA_ONSTACK;
  return sigaction(signal, &taken, nullptr) == 0;
}

void ProfileWriter::before_signal(int signal) {
  ProfileWriter* writer = g_writer.load(std::memory_order_acquire);
  const bool taken = std::ranges::find(kSignals, signal) != std::end(kSignals);
  if (writer != nullptr && !(taken && getpid() == g_owner)) writer->finish();
}

void ProfileWriter::before_exec() {
  ProfileWriter* writer = g_writer.load(std::memory_order_acquire);
  if (writer != nullptr && !is_fork()) writer->write();
}

uint32_t ProfileWriter::named_by_id() {
  ProfileWriter* writer = g_writer.load(std::memory_order_acquire);
  if (writer == nullptr || is_fork() || !has_own_name(writer->options_)) return 0;
  return writer->options_.executed_before + 1;
}

void ProfileWriter::start() {
  g_owner = getpid();
  // A program that execve began was there before: it is not to fail for it.
  if (!options_.profile_out.empty() && !options_.executed) check_can_write(path_of(options_));
  g_writer.store(this, std::memory_order_release);
  sem_init(&g_wake, 0, 0);
  keep_standard_error();  // programs close theirs before they end
  // Signals are for the other threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { work(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  take_signals();
}

void ProfileWriter::work() {
  // In the runtime while it writes: nobody forks then, and a child finds no lock held.
  for (;;) {
    const bool woken = wait_to_be_woken(options_.profile_every);
    if (const int signal = g_signal.load(std::memory_order_acquire); signal != 0) {
      {
        const InRuntime inside;
        finish();
      }
      close_debug_root();
      end_by(signal);
    }
    if (woken) continue;
    const InRuntime inside;
    write();
  }
}

std::string ProfileWriter::write() {
  std::scoped_lock hold(writing_);
  std::string said;
  try {
    // Other threads may run on: what is said is what is written.
    const Profile profile = engine_.profile();
    if (options_.profile_summary) said = summary(profile);
    if (!options_.profile_out.empty()) write_profile(profile, path_of(options_));
    failure_.clear();
  } catch (const std::exception& error) {
    // Once, and not every few seconds.
    if (failure_ != error.what()) say(error.what());
    failure_ = error.what();
  }
  return said;
}

void ProfileWriter::finish() {
  const std::string said = write();
  if (!said.empty()) say(said);
}

}  // namespace mtetso
