// SPDX-License-Identifier: MIT
//
// The fault handler's work on tags from a table and words that nobody executes: what it does to
// tags, words, registers and records, and what a debugger sees at every instruction of it.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <set>

#include "code/code.h"
#include "debug/arena.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "fault/resolve.h"
#include "memory/barriers.h"
#include "memory/tags.h"
#include "single_step.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;
constexpr uint32_t kLoad = 0xf9400203, kStore = 0xf9000203;  // ldr / str x3, [x16]
constexpr uint32_t kSwap = 0xf8e58203;                       // swpal x5, x3, [x16]
constexpr uint32_t kPairSwap = 0x4874fe16;                   // caspal x20 to x23, [x16]
constexpr uint32_t kMine = 3, kOther = 5;

struct World {
  Protocol protocol;
  GuestMemory memory{protocol};
  FaultResolver resolver;
  Code code;
  mtedbg_GuestFrame* frame;
  std::array<uint64_t, 31> registers{};
  unsigned long long pc = 0;

  explicit World(uint32_t policy, uint32_t pin_threshold = 8, uint32_t shared = 0,
                 uint32_t claim = 0, uint32_t interpret = 0)
      : protocol(core_tags(shared, 8, policy)),
        resolver({{policy, claim, interpret}, pin_threshold, protocol.tags().guard}, protocol,
                 memory) {
    static const bool ready = register_barriers();
    if (!ready) std::abort();
    frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(sizeof(mtedbg_GuestFrame)));
    frame->thread_id = 1;
    frame->host_core_id = kMine;
    frame->state = MTEDBG_ThreadState_Jit;
    register_thread(frame, 0, 0);
  }

  const CodeBlock* make(uint32_t access, uint32_t mode) {
    CompiledCode made;
    const uint32_t word = *access_word_in(access, mode);
    const auto decoded = *decode_access(word);
    made.words = {tag_word(mode, protocol.shared_tag()), word};
    made.memops = {{0, 4, 0x401000, decoded.access, decoded.size, mode}};
    return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  }

  Resolution fault(const CodeBlock* block, uint64_t address, FaultKind kind = FaultKind::TagCheck,
                   uint32_t core = kMine) {
    const uint32_t mode = block->memops[0].mode;
    registers[16] = with_tag(address, mode == kLocal ? core : protocol.shared_tag());
    registers[27] = core;
    registers[28] = address_of(frame);
    pc = block->memops[0].address;
    return resolver.resolve({kind, registers[16], registers.data(), &pc});
  }
};

const uint32_t* words(const CodeBlock* block) { return block->writable(block->base()); }

void poke(uint64_t address, uint64_t value) {
  std::memcpy(reinterpret_cast<void*>(address), &value, sizeof value);
}

uint64_t peek(uint64_t address) {
  uint64_t value;
  std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}

}  // namespace

TEST_CASE("local memop, another core's memory") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther) + 4;
  CHECK(world.fault(block, at).verdict == Verdict::Resumed);
  CHECK(read_tag(at) == 0);
  CHECK(world.pc == block->base());
  CHECK(words(block)[0] == tag_word(kShared, 0));
  CHECK(words(block)[1] == *access_word_in(kLoad, kShared));
  const mtedbg_Memop& memop = block->memops[0];
  CHECK(memop.mode == kShared);
  CHECK(memop.flips == 1);
  CHECK(memop.faults == 1);
  CHECK(memop.last_fault_address == at);
  CHECK(memop.last_fault_logical_tag == kMine);
  CHECK(memop.last_fault_allocation_tag == kOther);
  CHECK(memop.last_fault_core == kMine);
  CHECK(memop.last_fault_time != 0);
  CHECK(world.frame->state == MTEDBG_ThreadState_Jit);
  CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
  CHECK_FALSE(world.protocol.lock().held());
}

TEST_CASE("a stale core register is reloaded, and nothing else is changed") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kStore, kLocal);
  const uint64_t at = world.memory.allocate(16, kMine);
  CHECK(world.fault(block, at, FaultKind::TagCheck, kOther).verdict == Verdict::Resumed);
  CHECK(world.registers[27] == kMine);
  CHECK(read_tag(at) == kMine);
  CHECK(block->memops[0].mode == kLocal);
}

TEST_CASE("flips are counted, and past the threshold sticky pins") {
  World sticky(MTEDBG_Policy_Sticky, 0);
  const CodeBlock* block = sticky.make(kLoad, kLocal);
  sticky.fault(block, sticky.memory.allocate(16, 0));
  CHECK(block->memops[0].pinned == 1);

  World seed(MTEDBG_Policy_Seed, 0);
  const CodeBlock* ping = seed.make(kLoad, kLocal);
  const uint64_t shared = seed.memory.allocate(16, 0), mine = seed.memory.allocate(16, kMine);
  for (int round = 0; round < 3; ++round) {
    seed.fault(ping, shared);
    CHECK(ping->memops[0].mode == kShared);
    seed.fault(ping, mine);
    CHECK(ping->memops[0].mode == kLocal);
    CHECK(words(ping)[0] == tag_word(kLocal, 0));
    CHECK(words(ping)[1] == kLoad);
  }
  CHECK(ping->memops[0].flips == 6);
  CHECK(ping->memops[0].pinned == 0);
}

TEST_CASE("sticky takes memory back past its threshold, until the memop is pinned") {
  World world(MTEDBG_Policy_Sticky, /*pin_threshold=*/4, 0, /*claim=*/1);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const mtedbg_Memop& memop = block->memops[0];
  const uint64_t shared = world.memory.allocate(16, 0), mine = world.memory.allocate(16, kMine);
  world.fault(block, shared);  // its first fault: to shared
  CHECK(memop.mode == kShared);
  world.fault(block, mine);  // its second: weakened
  CHECK(memop.mode == kLocal);
  CHECK(words(block)[0] == tag_word(kLocal, 0));
  CHECK(words(block)[1] == kLoad);
  CHECK(read_tag(mine) == kMine);
  world.fault(block, shared);  // memory is claimed, the memop stays
  CHECK(read_tag(shared) == kMine);
  CHECK(memop.mode == kLocal);
  CHECK(memop.flips == 3);
  for (int round = 0; round < 4; ++round) {
    write_tags(shared, 16, 0);
    world.fault(block, shared);
  }
  CHECK(memop.pinned == 1);
  CHECK(memop.flips == 6);  // two claims more; the last fault took it to shared for good
  CHECK(memop.mode == kShared);
  world.fault(block, mine);
  CHECK(read_tag(mine) == 0);
  CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
}

TEST_CASE("interpret past its threshold does as sticky") {
  World world(MTEDBG_Policy_Interpret, 8, 0, 0, /*interpret=*/2);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther);
  for (int round = 0; round < 2; ++round) {
    world.fault(block, at);
    CHECK(read_tag(at) == kOther);
    CHECK(block->memops[0].mode == kLocal);
  }
  world.fault(block, at);
  CHECK(read_tag(at) == 0);
  CHECK(block->memops[0].mode == kShared);
}

TEST_CASE("interpret does the access, goes on behind it, and changes nothing else") {
  World world(MTEDBG_Policy_Interpret);
  for (const uint32_t tag : {0u, kOther}) {
    const uint64_t at = world.memory.allocate(16, tag);
    const CodeBlock* load = world.make(kLoad, kLocal);
    poke(at, 0x1234);
    world.fault(load, at);
    CHECK(world.registers[3] == 0x1234);
    CHECK(world.pc == load->base() + 8);
    const CodeBlock* store = world.make(kStore, kLocal);
    world.registers[3] = 0x5678;
    world.fault(store, at);
    CHECK(peek(at) == 0x5678);
    const CodeBlock* swap = world.make(kSwap, kLocal);
    world.registers[5] = 0x9abc;
    world.fault(swap, at);
    CHECK(peek(at) == 0x9abc);
    CHECK(world.registers[3] == 0x5678);
    CHECK(read_tag(at) == tag);
    CHECK(swap->memops[0].mode == kLocal);
    CHECK(swap->memops[0].flips == 0);
  }
}

TEST_CASE("an access over two granules takes both") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(48, kMine);
  write_tags(at + 16, 16, 0);
  world.fault(block, at + 12);
  CHECK(read_tag(at) == 0);
  CHECK(read_tag(at + 16) == 0);
  CHECK(read_tag(at + 32) == kMine);
  CHECK(block->memops[0].mode == kShared);
  CHECK(block->memops[0].last_fault_allocation_tag == 0);  // the granule that did not match
}

TEST_CASE("misaligned ordered accesses are done by the handler") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kStore, kShared);
  const uint64_t at = world.memory.allocate(32, kOther);
  world.registers[3] = 0x1122334455667788;
  CHECK(world.fault(block, at + 13, FaultKind::Alignment).verdict == Verdict::Resumed);
  CHECK(peek(at + 13) == 0x1122334455667788);
  CHECK(world.pc == block->base() + 8);
  CHECK(read_tag(at) == 0);
  CHECK(read_tag(at + 16) == 0);
  CHECK(block->memops[0].flips == 0);
}

TEST_CASE("a split lock is done behind a tag of nobody's") {
  for (const uint32_t policy :
       {MTEDBG_Policy_Sticky, MTEDBG_Policy_Seed, MTEDBG_Policy_Interpret}) {
    World world(policy);
    const uint64_t at = world.memory.allocate(48, kOther);
    write_tags(at + 16, 16, kMine);
    const CodeBlock* swap = world.make(kSwap, kShared);
    poke(at + 13, 0x1122334455667788);
    world.registers[5] = 0x99;
    CHECK(world.fault(swap, at + 13, FaultKind::Alignment).verdict == Verdict::Resumed);
    CHECK(world.registers[3] == 0x1122334455667788);
    CHECK(peek(at + 13) == 0x99);
    CHECK(world.pc == swap->base() + 8);
    CHECK(read_tag(at) == kOther);
    CHECK(read_tag(at + 16) == kMine);
    CHECK(swap->memops[0].flips == 0);
    CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
  }
}

namespace {

void watch_split_lock() {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* swap = world.make(kSwap, kShared);
  const uint64_t at = world.memory.allocate(32, kMine);
  poke(at + 13, 7);
  world.registers[5] = 9;
  bool changed = false;
  single_step([&] { world.fault(swap, at + 13, FaultKind::Alignment); },
              [&](const Child& child) {
                const auto journal =
                    child.read<mtedbg_Journal>(address_of(&debug_root().journal[0]));
                const auto now = child.read<uint64_t>(at + 13);
                if (now == 7) return;
                // While the change is half done, nobody else's access passes.
                if (now != 9) REQUIRE(journal.operation == MTEDBG_Operation_RetagOnly);
                if (!changed) {
                  REQUIRE(journal.operation == MTEDBG_Operation_RetagOnly);
                  REQUIRE(journal.new_tag == 15);
                }
                changed = true;
              });
  CHECK(changed);
}

}  // namespace

TEST_CASE("the journal tells of a split lock") { watch_split_lock(); }

TEST_CASE("16 bytes that are not aligned are the guest's fault") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* pair = world.make(kPairSwap, kShared);
  const uint64_t at = world.memory.allocate(32, kOther);
  CHECK(world.fault(pair, at + 8, FaultKind::Alignment).verdict == Verdict::GuestFault);
  CHECK(world.fault(pair, at).verdict == Verdict::Resumed);
  CHECK(read_tag(at) == 0);
  CHECK(read_tag(at + 16) == kOther);
}

TEST_CASE("a pair is compared and swapped by the handler") {
  World world(MTEDBG_Policy_Interpret);
  const CodeBlock* pair = world.make(kPairSwap, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther);
  poke(at, 1);
  poke(at + 8, 2);
  world.registers[20] = 1, world.registers[21] = 2, world.registers[22] = 3;
  world.registers[23] = 4;
  world.fault(pair, at);
  CHECK(peek(at) == 3);
  CHECK(peek(at + 8) == 4);
  world.fault(pair, at);
  CHECK(world.registers[20] == 3);
  CHECK(world.registers[21] == 4);
  CHECK(peek(at) == 3);
}

TEST_CASE("what is not ours, and what is the guest's own fault") {
  World world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, 0);
  for (const uint64_t pc : {block->base(), block->end(), uint64_t{0}}) {
    unsigned long long where = pc;
    const auto found =
        world.resolver.resolve({FaultKind::TagCheck, at, world.registers.data(), &where});
    CHECK(found.verdict == Verdict::NotOurs);
    CHECK(where == pc);
  }
  const auto guests = [&](Resolution found, uint64_t address) {
    CHECK(found.verdict == Verdict::GuestFault);
    CHECK(found.guest_rip == 0x401000);
    CHECK(found.address == address);
    CHECK(world.frame->state == MTEDBG_ThreadState_Jit);
  };
  guests(world.fault(block, 0x1000), 0x1000);
  guests(world.fault(block, at, FaultKind::Other), at);
  CHECK(block->memops[0].faults == 0);
  // Half of it is the guard page below a stack.
  const uint64_t stack = world.memory.map_stack(4096, kMine);
  guests(world.fault(block, stack - 4), stack - 4);
  // Read-only memory may be read only.
  const uint64_t end = world.memory.map_stack(8192, 0) + 4096;
  REQUIRE(world.memory.protect(end, 4096, 1));
  CHECK(world.fault(block, end).verdict == Verdict::Resumed);
  guests(world.fault(world.make(kStore, kLocal), end - 4), end - 4);
}

namespace {

// Checks the table in patch.h at one instruction; returns the row it is in.
uint32_t check_row(const Child& child, const CodeBlock* block, uint32_t from, uint32_t to,
                   bool seed) {
  const auto journal = child.read<mtedbg_Journal>(address_of(&debug_root().journal[0]));
  const auto memop = child.read<mtedbg_Memop>(address_of(block->memops.data()));
  const auto now = child.read<std::array<uint32_t, 2>>(address_of(words(block)));
  const auto is = [&](uint32_t word, uint32_t mode) {
    return word == 0 ? now[0] == tag_word(mode, 0) : now[1] == *access_word_in(now[1], mode);
  };
  const uint32_t first = to == kShared && !seed ? 1 : 0, second = 1 - first;
  REQUIRE((memop.mode == from || memop.mode == to));
  if (journal.operation == MTEDBG_Operation_None) {
    REQUIRE(is(0, memop.mode));
    REQUIRE(is(1, memop.mode));
    return 0;
  }
  REQUIRE(journal.operation == MTEDBG_Operation_PatchMemop);
  REQUIRE(journal.memop == memop.id);
  REQUIRE(journal.old_mode == from);
  REQUIRE(journal.new_mode == to);
  constexpr uint32_t kPhases[] = {MTEDBG_Phase_PatchAddress, MTEDBG_Phase_PatchMemop};
  const uint32_t first_phase = kPhases[first], second_phase = kPhases[second];
  const uint32_t phase = journal.phase;
  if (phase == first_phase) {
    REQUIRE(is(second, from));
    if (memop.mode == to) REQUIRE((is(first, to) && !seed));
  } else if (phase == second_phase) {
    REQUIRE(is(first, to));
    if (memop.mode == to && seed) REQUIRE(is(second, to));
    if (!seed) REQUIRE(memop.mode == to);
  } else if (phase == MTEDBG_Phase_Icache || phase == MTEDBG_Phase_Unlock) {
    REQUIRE(is(0, to));
    REQUIRE(is(1, to));
    REQUIRE(memop.mode == to);
    if (phase == MTEDBG_Phase_Unlock) REQUIRE(memop.flips == 1);
  } else {
    REQUIRE(is(0, from));
    REQUIRE(is(1, from));
    REQUIRE(memop.mode == from);
  }
  return phase;
}

void watch_patch(uint32_t policy, uint32_t from, uint32_t tag, std::set<uint32_t> wanted) {
  World world(policy, 8, 0, /*claim=*/policy == MTEDBG_Policy_Sticky && from == kShared ? 1 : 0);
  const CodeBlock* block = world.make(kLoad, from);
  block->memops[0].faults = 1;
  const uint64_t at = world.memory.allocate(16, tag);
  std::set<uint32_t> phases;
  bool half = false;
  single_step([&] { world.fault(block, at); },
              [&](const Child& child) {
                phases.insert(check_row(child, block, from, from == kLocal ? kShared : kLocal,
                                        policy == MTEDBG_Policy_Seed));
                const auto now = child.read<std::array<uint32_t, 2>>(address_of(words(block)));
                half = half || (now[0] == tag_word(kLocal, 0)) !=
                                   (now[1] == *access_word_in(now[1], kLocal));
              });
  CHECK(phases == wanted);
  CHECK(half);  // the state between the two words was seen
}

}  // namespace

TEST_CASE("journal, mode and words fit together at every instruction") {
  const std::set<uint32_t> patch = {0,
                                    MTEDBG_Phase_Lock,
                                    MTEDBG_Phase_PatchMemop,
                                    MTEDBG_Phase_PatchAddress,
                                    MTEDBG_Phase_Icache,
                                    MTEDBG_Phase_Unlock};
  std::set<uint32_t> retag_and_patch = patch;
  retag_and_patch.insert({MTEDBG_Phase_Retag, MTEDBG_Phase_Barrier});
  SUBCASE("to shared") { watch_patch(MTEDBG_Policy_Sticky, kLocal, 0, patch); }
  SUBCASE("retag, to shared") {
    watch_patch(MTEDBG_Policy_Sticky, kLocal, kOther, retag_and_patch);
  }
  SUBCASE("to local") { watch_patch(MTEDBG_Policy_Sticky, kShared, kMine, patch); }
  std::set<uint32_t> retag_and_patch_alone = patch;
  retag_and_patch_alone.insert(MTEDBG_Phase_Retag);
  SUBCASE("seed, to shared") {
    watch_patch(MTEDBG_Policy_Seed, kLocal, kOther, retag_and_patch_alone);
  }
  SUBCASE("seed, to local") {
    watch_patch(MTEDBG_Policy_Seed, kShared, kOther, retag_and_patch_alone);
  }
}

}  // namespace mtetso
