// SPDX-License-Identifier: MIT
//
// Fault, patch, resume compared with a bare SIGSEGV round trip, whose handler only resumes after
// the access, and with one that only writes the same two words. For AArch64 with memory tags.
// Usage:
//   bench_round_trip time ROUNDS FAULTS THREADS   a line a round and way: its name, nanoseconds a
//                                         fault; of THREADS guest threads all but one are asleep
//   bench_round_trip steps                a line a way: its name, instructions a fault in user
//   mode,
//                                         by single steps (needs ptrace: no user mode emulation)
#include <elf.h>
#include <mtedbg/debug_root.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "code/code.h"
#include "code/memop_words.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "fault/handler.h"
#include "fault/phases.h"
#include "memory/barriers.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

constexpr uint32_t kLoad = 0xf9400200;         // ldr x0, [x16]
constexpr uint32_t kOrderedLoad = 0xf8bfc200;  // ldapr x0, [x16]
constexpr uint32_t kNextGranule = 0x91004210;  // add x16, x16, #16
constexpr uint32_t kOn = 0x14000001;           // b .+4: ends what an emulator translates at once
constexpr uint32_t kReturn = 0xd65f03c0;       // ret
constexpr uint32_t kMine = 3, kOther = 5, kShared = 0;
constexpr uint32_t kSetCore = 0xd280001b;  // mov x27, #(imm << 5)
constexpr size_t kWarm = 8;
constexpr uint64_t kVdsoSize = 2 * 4096;

double now() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

// The least that a handler can do: resume after the access.
void skip_access(int, siginfo_t*, void* raw) { static_cast<ucontext_t*>(raw)->uc_mcontext.pc += 4; }

// The least that one can do that patches: both words, clean caches, and every core's instructions
// where there are other threads.
const CodeBlock* g_written = nullptr;
bool g_alone = true;

void write_words(int, siginfo_t*, void* raw) {
  auto& pc = static_cast<ucontext_t*>(raw)->uc_mcontext.pc;
  uint32_t* insert = g_written->writable(pc - 4);
  insert[0] = tag_word(MTEDBG_Mode_Shared, kShared);
  insert[1] = kOrderedLoad;
  clean_code(insert, reinterpret_cast<const void*>(pc - 4), 8);
  if (!g_alone) synchronize_cores();
  pc -= 4;
}

class Bench {
 public:
  Bench() {
    frame_->thread_id = 1;
    frame_->host_core_id = kMine;
    register_thread(frame_, 0, 0);
    if (!install_handler(options_, protocol_, memory_) || !install_signal_stack()) std::abort();
    sigaction(SIGSEGV, nullptr, &handler_);
    skip_.sa_sigaction = skip_access;
    write_.sa_sigaction = write_words;
    skip_.sa_flags = write_.sa_flags = SA_SIGINFO | SA_ONSTACK;
  }

  enum class Handler { Runtime, Skip, Write };
  struct Way {
    const char* name;
    uint32_t tag;   // of the memory that local memops meet
    uint32_t core;  // what the core register holds: not `kMine` is a stale one
    Handler handler;
  };
  // `none` is all but the fault.
  static constexpr Way kNone{"none", kMine, kMine, Handler::Runtime};
  static constexpr Way kWays[] = {{"patch", kShared, kMine, Handler::Runtime},
                                  {"retag-patch", kOther, kMine, Handler::Runtime},
                                  {"retry", kMine, kOther, Handler::Runtime},
                                  {"bare", kOther, kMine, Handler::Skip},
                                  {"bare-write", kShared, kMine, Handler::Write}};

  // Another guest thread, which sleeps: now changes have to be synchronised with it.
  void add_thread() {
    auto* frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(4096));
    frame->thread_id = ++threads_;
    frame->host_core_id = kOther;
    register_thread(frame, 0, 0);
    g_alone = false;
    std::thread([] {
      for (;;) pause();
    }).detach();
  }

  // Code and memory for `faults` of one kind; what is returned lets them happen.
  auto prepare(const Way& way, size_t faults) {
    CompiledCode code;
    for (size_t i = 0; i < faults; ++i) {
      code.words.push_back(kSetCore | way.core << 5);
      const auto at = static_cast<uint32_t>(code.words.size() * sizeof(uint32_t));
      code.words.insert(code.words.end(),
                        {tag_word(MTEDBG_Mode_Local, kShared), kLoad, kNextGranule, kOn});
      code.memops.push_back({at, at + 4, 0x401000, MTEDBG_Access_Load, 8, MTEDBG_Mode_Local});
    }
    code.words.push_back(kReturn);
    const CodeBlock* block =
        code_.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(code));
    const uint64_t memory = memory_.allocate(faults * kGranule, way.tag);
    if (memory == 0) std::abort();
    return [this, block, memory, handler = way.handler] {
      g_written = block;
      const struct sigaction* chosen[] = {&handler_, &skip_, &write_};
      sigaction(SIGSEGV, chosen[static_cast<size_t>(handler)], nullptr);
      run(block, memory);
    };
  }

 private:
  void run(const CodeBlock* block, uint64_t address) const {
    register uint64_t x16 asm("x16") = address;
    register uint64_t x17 asm("x17") = block->base();
    register uint64_t x27 asm("x27") = kMine;
    register uint64_t x28 asm("x28") = reinterpret_cast<uintptr_t>(frame_);
    asm volatile("blr x17" : "+r"(x16), "+r"(x17), "+r"(x27), "+r"(x28) : : "x0", "x30", "memory");
  }

  Options options_;
  Protocol protocol_{core_tags(options_)};
  GuestMemory memory_{protocol_};
  Code code_;
  mtedbg_GuestFrame* frame_ = static_cast<mtedbg_GuestFrame*>(allocate_frame(4096));
  uint64_t threads_ = 1;
  struct sigaction handler_ {};
  struct sigaction skip_ {};
  struct sigaction write_ {};
};

void time_all(Bench& bench, unsigned long rounds, unsigned long faults) {
  for (const auto& way : Bench::kWays) bench.prepare(way, kWarm)();
  for (unsigned long round = 0; round < rounds; ++round)
    for (const auto& way : Bench::kWays) {
      const auto act = bench.prepare(way, faults);
      const double begin = now();
      act();
      std::printf("%s %.1f\n", way.name, (now() - begin) / static_cast<double>(faults));
    }
}

// Whether `pc` is in the vDSO: its clock is read again while the kernel changes it, and between
// single steps it always has.
bool in_vdso(uint64_t pc) {
  const uint64_t begin = getauxval(AT_SYSINFO_EHDR);
  return begin != 0 && pc - begin < kVdsoSize;
}

uint64_t pc_of(pid_t child) {
  user_regs_struct registers{};
  iovec place{&registers, sizeof registers};
  ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &place);
  return registers.pc;
}

// Instructions outside of the vDSO that a child executes in `act`, and a few of its own around it.
template <typename Act>
long steps_of(const Act& act) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    raise(SIGSTOP);
    act();
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0, pass_on = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return -1;
  for (long steps = 0;;) {
    if (!in_vdso(pc_of(child))) ++steps;
    ptrace(PTRACE_SINGLESTEP, child, nullptr, pass_on);
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return -1;
    if (WSTOPSIG(status) == SIGSTOP) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return steps;
    }
    pass_on = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
  }
}

int count_all(Bench& bench) {
  // Of the second fault: the first one binds symbols and touches memory that is new.
  const auto count = [&bench](const Bench::Way& way) {
    bench.prepare(way, 1)();
    return steps_of(bench.prepare(way, 1));
  };
  const long none = count(Bench::kNone);
  if (none < 0) {
    std::fprintf(stderr, "no single steps here\n");
    return 1;
  }
  for (const auto& way : Bench::kWays) std::printf("%s %ld\n", way.name, count(way) - none);
  return 0;
}

int command(int argc, char** argv) {
  if (enable_mte() != MteStatus::Ready || !register_barriers()) {
    std::fprintf(stderr, "this machine has no memory tagging\n");
    return 2;
  }
  publish_debug_root(Options{}, "bench", phase_points());
  Bench bench;
  if (argc == 2 && std::strcmp(argv[1], "steps") == 0) return count_all(bench);
  if (argc != 5 || std::strcmp(argv[1], "time") != 0) return 64;
  for (unsigned long i = std::strtoul(argv[4], nullptr, 10); i > 1; --i) bench.add_thread();
  time_all(bench, std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10));
  return 0;
}

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) { return mtetso::command(argc, argv); }
