// SPDX-License-Identifier: MIT
//
// The fault handler with real tags, real words and a real signal: built for AArch64 only, run
// under an emulator or on hardware with MTE. Each case makes one memop of its own, puts memory
// into one state, runs the memop, and looks at what became of tag, words and data.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "fault/phases.h"
#include "target/world.h"

namespace mtetso {
namespace {

// One row: a memop in `mode` meets `tag`; it must end in `mode_after` with the memory in `after`.
void row(World& world, uint32_t mode, uint32_t tag, uint32_t mode_after, uint32_t after) {
  for (const uint32_t access : {kLoad, kStore, kSwap}) {
    const CodeBlock* block = world.make(access, mode);
    const uint64_t at = world.memory.allocate(16, tag) + 8;
    poke(at, 0x1111);
    const uint64_t got = world.run(block, at, 0x2222);
    if (access != kStore) EXPECT(got == 0x1111);
    if (access != kLoad) EXPECT(peek(at) == 0x2222);
    EXPECT(read_tag(at) == after);
    const mtedbg_Memop& memop = block->memops[0];
    const auto* words = reinterpret_cast<const uint32_t*>(block->base());
    EXPECT(memop.mode == mode_after);
    EXPECT(words[0] == tag_word(mode_after, world.options.shared_tag));
    EXPECT(words[1] == *access_word_in(access, mode_after));
    EXPECT(memop.flips == (mode == mode_after ? 0u : 1u));
    EXPECT(debug_root().journal[0].operation == MTEDBG_Operation_None);
  }
}

void table(uint32_t policy, uint32_t shared) {
  Options options;
  options.policy = policy;
  options.shared_tag = shared;
  World world(options);
  constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;
  const bool interprets = policy == MTEDBG_Policy_Interpret;
  const bool weakens = policy == MTEDBG_Policy_Seed;
  const uint32_t stays_local = interprets ? kLocal : kShared;
  row(world, kLocal, kMyTag, kLocal, kMyTag);
  row(world, kLocal, shared, stays_local, shared);
  row(world, kLocal, kOther, stays_local, interprets ? kOther : shared);
  row(world, kShared, shared, kShared, shared);
  row(world, kShared, kOther, weakens ? kLocal : kShared,
      weakens      ? kMyTag
      : interprets ? kOther
                   : shared);
  row(world, kShared, kMyTag, weakens ? kLocal : kShared, weakens || interprets ? kMyTag : shared);
}

void stale_register() {
  World world(Options{});
  const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
  const uint64_t at = world.memory.allocate(16, kMyTag);
  poke(at, 7);
  EXPECT(world.run(block, at, 0, kOther) == 7);
  EXPECT(block->memops[0].faults == 1 && block->memops[0].flips == 0);
  EXPECT(read_tag(at) == kMyTag);
}

void straddling() {
  World world(Options{});
  const uint64_t at = world.memory.allocate(32, kMyTag);
  write_tags(at + 16, 16, kOther);
  poke(at + 12, 0x123456789abcdef0);
  const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
  EXPECT(world.run(block, at + 12, 0) == 0x123456789abcdef0);
  EXPECT(read_tag(at) == 0 && read_tag(at + 16) == 0);
  // Ordered now, so it may not cross 16 bytes: from here on the handler does it.
  EXPECT(block->memops[0].mode == MTEDBG_Mode_Shared);
  EXPECT(world.run(block, at + 12, 0) == 0x123456789abcdef0);
  const CodeBlock* store = world.make(kStore, MTEDBG_Mode_Shared);
  world.run(store, at + 13, 0x55);
  EXPECT(peek(at + 13) == 0x55);
}

// Over 16 bytes, and over a page: the handler does it, and the tags are what they were.
void split_lock() {
  for (const uint32_t policy :
       {MTEDBG_Policy_Sticky, MTEDBG_Policy_Seed, MTEDBG_Policy_Interpret}) {
    Options options;
    options.policy = policy;
    World world(options);
    const uint64_t at = world.memory.map_stack(8192, kMyTag) + 4096;
    write_tags(at, 16, kOther);
    const CodeBlock* swap = world.make(kSwap, MTEDBG_Mode_Local);
    poke(at - 3, 0x1122334455667788);
    EXPECT(world.run(swap, at - 3, 0x99) == 0x1122334455667788);
    EXPECT(peek(at - 3) == 0x99);
    EXPECT(read_tag(at - 16) == kMyTag && read_tag(at) == kOther);
    EXPECT(swap->memops[0].flips == 0);
  }
}

// Nothing leads to a retired block, but a thread may still be in it: its faults are handled, and
// its words patched, as in any other.
void retired_block() {
  World world(Options{});
  const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
  const uint64_t at = world.memory.allocate(16, kOther);
  poke(at, 7);
  world.code.retire(block, "replaced");
  EXPECT(world.run(block, at, 0) == 7);
  EXPECT(read_tag(at) == 0);
  const auto* words = reinterpret_cast<const uint32_t*>(block->base());
  EXPECT(block->memops[0].mode == MTEDBG_Mode_Shared && block->memops[0].faults == 1);
  EXPECT(words[0] == tag_word(MTEDBG_Mode_Shared, 0));
  EXPECT(words[1] == *access_word_in(kLoad, MTEDBG_Mode_Shared));
  EXPECT(world.code.retired() == 1);
}

// The child must die of its own fault, with what the kernel says of it.
void declined() {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    World world(Options{});
    const uint64_t at = world.memory.allocate(16, kOther);
    *reinterpret_cast<volatile uint64_t*>(at) = 1;  // no memop
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

void guest_fault() {
  World world(Options{});
  // mov x0, x20; ret: what the trampoline was given comes back.
  CompiledCode landing;
  landing.words = {0xaa1403e0, kReturn};
  const CodeBlock* trampoline =
      world.code.commit(MTEDBG_BlockKind_SharedStubs, MTEDBG_Tier_None, std::move(landing));
  set_fault_trampoline(trampoline->base());
  const CodeBlock* block = world.make(kLoad, MTEDBG_Mode_Local);
  EXPECT(world.run(block, 0x10, 0) == 0x10);
  EXPECT(block->memops[0].faults == 0);
  set_fault_trampoline(0);
}

// Ranges of any length, at any granule: those tags are written, and no other.
void tags_of_ranges() {
  constexpr uint64_t kRoom = 16384, kGranules = kRoom / kGranule;
  World world(Options{});
  const uint64_t at = world.memory.allocate(kRoom, kOther);
  for (uint64_t round = 0; round < 60; ++round) {
    const uint64_t begin = round * 37 % (kGranules / 2), count = 1 + round * round % 400;
    write_tags(at, kRoom, kOther);
    write_tags(at + begin * kGranule + round % kGranule, count * kGranule - round % kGranule,
               kMyTag);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < kGranules; ++i) {
      const bool inside = i >= begin && i < begin + count;
      wrong += read_tag(at + i * kGranule) != (inside ? kMyTag : kOther);
    }
    EXPECT(wrong == 0);
  }
}

int run_all() {
  if (enable_mte() != MteStatus::Ready || !register_barriers()) {
    std::fprintf(stderr, "this machine has no memory tagging\n");
    return 2;
  }
  publish_debug_root(Options{}, "test", phase_points());
  for (const uint32_t shared : {0u, 15u})
    for (const uint32_t policy :
         {MTEDBG_Policy_Sticky, MTEDBG_Policy_Seed, MTEDBG_Policy_Interpret})
      table(policy, shared);
  tags_of_ranges();
  stale_register();
  straddling();
  split_lock();
  retired_block();
  declined();
  guest_fault();
  std::printf("%s\n", g_failures == 0 ? "ok" : "FAILED");
  return g_failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mtetso

int main() { return mtetso::run_all(); }
