// SPDX-License-Identifier: MIT

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "cli/parse.h"
#include "debug/points.h"
#include "debug/root.h"
#include "debug/say.h"
#include "debug/trace.h"
#include "fault/handler.h"
#include "fault/phases.h"
#include "guest/elf_image.h"
#include "linux/exec.h"
#include "linux/process.h"
#include "linux/signals.h"
#include "memory/barriers.h"
#include "memory/guest_memory.h"
#include "memory/protocol.h"
#include "memory/tags.h"
#include "profilers/profilers.h"
#include "run/core_ids.h"
#include "run/engine.h"
#include "run/host_threads.h"
#include "run/lockstep.h"
#include "run/process.h"
#include "run/profile_writer.h"
#include "run/turn.h"
#include "status.h"

namespace mtetso {
namespace {

std::atomic<ProfileWriter*> g_profile{nullptr};
std::atomic<SystemCalls*> g_calls{nullptr};  // of a Linux program that runs
std::atomic<bool> g_published{false};        // the debug root is

// Ends the process without destructors: other threads may still be running, and what a debugger
// reads must stay readable to the end.
[[noreturn]] void finish(const GuestExit& how) {
  if (SystemCalls* calls = g_calls.exchange(nullptr)) calls->before_end();
  if (ProfileWriter* profile = g_profile.load(std::memory_order_acquire)) profile->finish();
  if (g_published.load(std::memory_order_acquire)) close_debug_root();
  std::fflush(nullptr);
  if (how.signal != 0) die_of_signal(how.signal);
  _exit(how.status);
}

void need_tags() {
  switch (enable_mte()) {
    case MteStatus::Ready:
      return;
    case MteStatus::NoHardware:
      throw StatusError(Status::NoTags,
                        "this machine has no memory tagging (HWCAP2_MTE is not set): use a "
                        "processor with FEAT_MTE2, or qemu-aarch64 -cpu max");
    case MteStatus::Refused:
      throw StatusError(Status::NoTags,
                        "the kernel refuses synchronous tag checks (PR_SET_TAGGED_ADDR_CTRL)");
  }
}

Quiescence::How quiescence(const Options& options) {
  if (options.threads == ThreadMode::Lockstep) return Quiescence::How::Alone;
  return options.core_id_source == MTEDBG_CoreIdSource_RseqStrict ? Quiescence::How::Restart
                                                                  : Quiescence::How::Polls;
}

// A profile of another program has no effect, which would not be seen. Programs that the first one
// executes say nothing: scripts execute many.
void say_if_not_known(const Options& options, const Engine& engine) {
  if (options.executed) return;
  const std::string why = engine.why_not_known();
  if (!why.empty()) say("--profile-in " + options.profile_in + ": " + why);
}

[[noreturn]] void run(Options& options) {
  if (reads_rseq(options)) options.cores = possible_processors();
  if (options.core_id_source == MTEDBG_CoreIdSource_Thread) options.cores = kMostOwners;
  // A thread that is taken from its processor continues with nobody's tag (run/core_ids.h).
  if (options.core_id_source == MTEDBG_CoreIdSource_Pinned) options.scheduled_cores = kMostOwners;
  enter_script(options);
  std::optional<ElfImage> image;  // none: a Linux program
  if (ElfImage::imports_host(options.guest)) image.emplace(ElfImage::open(options.guest));
  if (const auto visit = find_point(options.abort_at)) abort_at(*visit);
  if (!options.trace.empty() && !open_trace(options.trace, options.executed))
    throw StatusError(Status::CannotOpen,
                      "cannot write " + options.trace + ": " + std::strerror(errno));
  need_tags();
  if (!register_barriers())
    throw StatusError(Status::Internal, "the kernel has no expedited membarrier(2)");
  if (options.core_id_source == MTEDBG_CoreIdSource_RseqStrict && !register_restarts())
    throw StatusError(Status::NoRseq, "the kernel has no membarrier(2) for restartable sequences");
  note_standard_error(options.standard_error);
  publish_debug_root(options, "mtetso " MTETSO_VERSION, phase_points());
  g_published.store(true, std::memory_order_release);
  // Never deleted: the process ends by _exit.
  auto& protocol = *new Protocol(core_tags(options), quiescence(options));
  auto& memory = *new GuestMemory(protocol);
  if (options.perf_map) start_perf_map();
  if (!options.jitdump.empty()) start_jitdump(options.jitdump);
  if (options.gdb_jit) start_gdb_jit();
  auto& engine = *new Engine(options, memory.code_pages(), {call_guest, Imports::number_of});
  if (!options.profile_out.empty() || options.profile_summary) {
    auto& profile = *new ProfileWriter(options, engine);
    profile.start();
    g_profile.store(&profile, std::memory_order_release);
  }
  auto& process = *new Process(options, memory, engine);
  LinuxProcess* system_calls = nullptr;
  GuestThread* first = nullptr;
  if (image) {
    first = &process.start(std::move(*image));
  } else {
    system_calls = new LinuxProcess(options, process);
    first = &system_calls->start();
    g_calls.store(system_calls);
  }
  say_if_not_known(options, engine);
  set_fault_trampoline(engine.fault_trampoline());
  if (!install_signal_stack()) throw StatusError(Status::Internal, "cannot install a signal stack");
  if (options.handler && !install_handler(options, protocol, memory))
    throw StatusError(Status::Internal, "cannot install the fault handler");
  if (options.threads == ThreadMode::Lockstep) Lockstep(process, system_calls).run();
  (new HostThreads(process, system_calls, finish))->run(*first);
}

int command(std::span<const char* const> arguments) {
  auto line = parse_command_line(arguments);
  switch (line.action) {
    case CommandLine::Action::Help:
      std::fputs(help_text().c_str(), stdout);
      return 0;
    case CommandLine::Action::Version:
      std::puts("mtetso " MTETSO_VERSION);
      return 0;
    case CommandLine::Action::Run:
      break;
  }
  // Never deleted: run() does not return.
  run(*new Options(std::move(line.options)));
}

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) {
  using mtetso::Status;
  mtetso::GuestExit how;
  try {
    auto first = static_cast<size_t>(argc > 0 ? 1 : 0);
    return mtetso::command({argv + first, static_cast<size_t>(argc) - first});
  } catch (const mtetso::GuestExit& exit) {
    how = exit;
  } catch (const mtetso::StatusError& error) {
    mtetso::say(error.what());
    how.status = static_cast<int>(error.status());
  } catch (const std::exception& error) {
    mtetso::say(std::string("internal error: ") + error.what());
    how.status = static_cast<int>(Status::Internal);
  }
  mtetso::finish(how);
}
