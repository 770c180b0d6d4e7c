// SPDX-License-Identifier: MIT

#include "run/profile_writer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "debug/root.h"
#include "run/fork_gate.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr int kSignals[] = {SIGHUP, SIGINT, SIGTERM};

// What the handler uses.
int g_wake = -1;
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
  const uint64_t one = 1;
  g_signal.store(signal, std::memory_order_release);
  // It can only fail where the thread was woken 2^64 - 2 times already.
  (void)!::write(g_wake, &one, sizeof one);
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
  if (g_wake < 0 || std::ranges::find(kSignals, signal) == std::end(kSignals)) return false;
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
  g_wake = eventfd(0, EFD_CLOEXEC);
  if (g_wake < 0)
    throw StatusError(Status::Internal, std::string("eventfd: ") + std::strerror(errno));
  // Signals are for the other threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { work(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  take_signals();
}

void ProfileWriter::work() {
  constexpr int kForEver = -1, kMilliseconds = 1000;
  const int interval = options_.profile_every == 0
                           ? kForEver
                           : static_cast<int>(options_.profile_every) * kMilliseconds;
  // In the runtime while it writes: nobody forks then, and a child finds no lock held.
  for (;;) {
    pollfd woken{g_wake, POLLIN, 0};
    const int ready = poll(&woken, 1, interval);
    if (const int signal = g_signal.load(std::memory_order_acquire); signal != 0) {
      {
        const InRuntime inside;
        finish();
      }
      close_debug_root();
      end_by(signal);
    }
    if (ready != 0) continue;
    const InRuntime inside;
    write();
  }
}

void ProfileWriter::write() {
  if (options_.profile_out.empty()) return;
  std::scoped_lock hold(writing_);
  try {
    write_profile(engine_.profile(), path_of(options_));
    said_.clear();
  } catch (const std::exception& error) {
    // Once, and not every few seconds.
    if (said_ != error.what()) std::fprintf(stderr, "mtetso: %s\n", error.what());
    said_ = error.what();
  }
}

void ProfileWriter::finish() {
  write();
  if (!options_.profile_summary) return;
  try {
    std::fprintf(stderr, "mtetso: %s\n", summary(engine_.profile()).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mtetso: %s\n", error.what());
  }
}

}  // namespace mtetso
