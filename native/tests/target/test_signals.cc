// SPDX-License-Identifier: MIT
//
// Faults and signals: in another component's handler that runs memops or accesses guest memory as
// the host does, with and without an alternate stack; and faults that are not the runtime's, which
// must reach the previous handler with the kernel's own siginfo.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "fault/phases.h"
#include "target/world.h"

// Younger than some C libraries, as in fault/handler.cc.
#ifndef SA_EXPOSE_TAGBITS
#define SA_EXPOSE_TAGBITS 0x800
#endif
#ifndef SEGV_MTESERR
#define SEGV_MTESERR 9
#endif

namespace mtetso {
namespace {

World* g_world = nullptr;
mtedbg_GuestFrame* g_inner_frame = nullptr;
const CodeBlock* g_inner = nullptr;
uint64_t g_inner_memory = 0;
std::atomic<uint64_t> g_inner_runs{0};
std::atomic<uint64_t> g_inner_wrong{0};
std::atomic<bool> g_on_stack{false};

bool on_alternate_stack() {
  stack_t now = {};
  sigaltstack(nullptr, &now);
  return (now.ss_flags & SS_ONSTACK) != 0;
}

// Enters translated code in the middle of whatever was going on, on memory that changes hands each
// time, and also reads it as the host does.
void on_user(int, siginfo_t*, void*) {
  g_on_stack = g_on_stack || on_alternate_stack();
  write_tags(g_inner_memory, kGranule, g_inner_runs % 2 == 0 ? kOther : kMyTag);
  mtedbg_GuestFrame* outer = g_world->frame;
  g_world->frame = g_inner_frame;
  const uint64_t got = g_world->run(g_inner, g_inner_memory, 0);
  g_world->frame = outer;
  uint64_t host = 0;
  const bool read = g_world->memory.host_read(g_inner_frame, g_inner_memory, &host, sizeof host);
  if (got != 0x77 || !read || host != 0x77) ++g_inner_wrong;
  ++g_inner_runs;
}

// Outer memops fault, the host reads for them, and the signal comes anywhere in that. A timer sends
// it: a second thread would not run for long on a busy machine, while rounds pile up.
void interrupted(World& world, int flags) {
  struct sigaction action = {};
  action.sa_sigaction = on_user;
  action.sa_flags = SA_SIGINFO | SA_RESTART | flags;
  sigaction(SIGALRM, &action, nullptr);
  g_inner_memory = world.memory.allocate(16, kOther);
  poke(g_inner_memory, 0x77);
  g_inner = world.make(kLoad, MTEDBG_Mode_Local);
  const uint64_t wanted = g_inner_runs + 200;
  const itimerval every = {.it_interval = {0, 500}, .it_value = {0, 500}};
  setitimer(ITIMER_REAL, &every, nullptr);
  uint64_t sum = 0, rounds = 0;
  for (; g_inner_runs < wanted; ++rounds) {
    const uint64_t at = world.memory.allocate(16, rounds % 2 == 0 ? kOther : kMyTag);
    const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
    poke(at, rounds);
    uint64_t host = 0;
    sum += world.run(block, at, 0) == rounds;
    sum += world.memory.host_read(world.frame, at, &host, sizeof host) && host == rounds;
  }
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  signal(SIGALRM, SIG_IGN);
  EXPECT(sum == 2 * rounds);
  EXPECT(g_inner_wrong == 0);
  EXPECT(!world.protocol.lock().held());
}

void in_signal_handlers() {
  World world(Options{});
  g_world = &world;
  g_inner_frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(4096));
  g_inner_frame->thread_id = 2;
  g_inner_frame->host_core_id = kMyTag;
  register_thread(g_inner_frame, 0, 0);
  g_on_stack = false;
  interrupted(world, SA_ONSTACK);
  EXPECT(g_on_stack);
  g_on_stack = false;
  interrupted(world, 0);
  EXPECT(!g_on_stack);
}

// Generated code runs on the host's stack, which is not tagged: the handler can do without its own.
void without_alternate_stack() {
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  World world(Options{});
  sigaltstack(&none, nullptr);
  const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
  const uint64_t at = world.memory.allocate(16, kOther);
  poke(at, 9);
  EXPECT(world.run(block, at, 0) == 9);
  g_world = &world;
  interrupted(world, 0);
}

struct Seen {
  std::atomic<int> signal{0};
  std::atomic<int> code{0};
  std::atomic<uint64_t> address{0};
};

Seen* g_seen = nullptr;  // shared with a child

void on_foreign(int signal, siginfo_t* info, void*) {
  g_seen->signal = signal;
  g_seen->code = info->si_code;
  g_seen->address = reinterpret_cast<uintptr_t>(info->si_addr);
  _exit(0);
}

// Of a signal that was sent there is none: the union has the sender in its place.
bool signal_address_is(uint64_t address) {
  return g_seen->code <= 0 || strip_tag(g_seen->address) == strip_tag(address);
}

template <typename Fault>
void foreign(const Fault& fault, int signal, int code, uint64_t* address) {
  g_seen->signal = 0;
  const pid_t child = fork();
  if (child == 0) {
    // As a program would that was there before: it is the predecessor of this handler.
    World world(Options{});
    *address = world.memory.allocate(16, kOther);
    fault(*address);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT(g_seen->signal == signal);
  EXPECT(g_seen->code == code);
  EXPECT(signal_address_is(*address));
}

void not_ours() {
  auto* shared = static_cast<uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  g_seen = new (shared + 8) Seen;
  const auto store = [](uint64_t at) { asm volatile("str xzr, [%0]" ::"r"(at) : "memory"); };
  foreign(store, SIGSEGV, SEGV_MTESERR, shared);
  foreign(
      [&](uint64_t) {
        *shared = 0x10;
        store(0x10);
      },
      SIGSEGV, SEGV_MAPERR, shared);
  // Sent by a process: it does not happen again by itself, and keeps its sender.
  foreign(
      [&](uint64_t) {
        *shared = 0;
        kill(getpid(), SIGSEGV);
        for (;;) pause();
      },
      SIGSEGV, SI_USER, shared);
}

int run_all() {
  if (enable_mte() != MteStatus::Ready || !register_barriers()) {
    std::fprintf(stderr, "this machine has no memory tagging\n");
    return 2;
  }
  struct sigaction before = {};
  before.sa_sigaction = on_foreign;
  before.sa_flags = SA_SIGINFO | SA_EXPOSE_TAGBITS;
  sigaction(SIGSEGV, &before, nullptr);
  sigaction(SIGBUS, &before, nullptr);
  publish_debug_root(Options{}, "test", phase_points());
  in_signal_handlers();
  without_alternate_stack();
  not_ours();
  std::printf("%s\n", g_failures == 0 ? "ok" : "FAILED");
  return g_failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mtetso

int main() { return mtetso::run_all(); }
