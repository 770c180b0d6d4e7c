// SPDX-License-Identifier: MIT
//
// The fault handler's work on tags from a table and words that are never executed: what it does to
// tags, words, registers and records.
#include <doctest/doctest.h>

#include <cstring>

#include "fault_world.h"
#include "memory/pages.h"

namespace mtetso {
namespace {

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

// The engine's part: here only the order of things counts.
struct Owner : CodePages::Owner {
  void change_code(mtedbg_GuestFrame* writer, uint64_t, uint64_t, std::string_view,
                   const std::function<void()>& write) override {
    CHECK(writer != nullptr);
    ++asked;
    write();
  }
  int asked = 0;
};

TEST_CASE("a store to a page that code was made from is done while no code is made") {
  for (const uint32_t mode : {kShared, kLocal, kEither}) {
    World world(mode == kEither ? MTEDBG_Policy_Follow : MTEDBG_Policy_Sticky);
    Owner owner;
    CodePages& pages = world.memory.code_pages();
    pages.set_owner(owner);
    const uint64_t page = page_size();
    const uint64_t at = world.memory.map_stack(2 * page, kMine) + page;
    world.memory.allow_code(at, page);
    const CodeBlock* store = world.make(kStore, mode);
    const CodeBlock* load = world.make(kLoad, mode);
    const auto after = [](const CodeBlock* block) { return block->memops[0].address + 4; };
    world.registers[3] = 0x1122334455667788;

    REQUIRE(pages.protect(at, 16));
    CHECK(world.fault(load, at, FaultKind::TagCheck).verdict == Verdict::Resumed);
    CHECK(owner.asked == 0);
    CHECK(world.fault(store, at + 4, FaultKind::Other).verdict == Verdict::Resumed);
    CHECK(owner.asked == 1);
    CHECK(world.pc == after(store));
    CHECK(peek(at + 4) == world.registers[3]);
    CHECK_FALSE(pages.holds(at, page));
    CHECK(store->memops[0].mode == mode);
    CHECK(read_tag(at + 4) == 0);
    // An access with another fault meets the page first.
    REQUIRE(pages.protect(at, 16));
    CHECK(world.fault(store, at + 13, FaultKind::Alignment).verdict == Verdict::Resumed);
    CHECK(owner.asked == 2);
    CHECK(peek(at + 13) == world.registers[3]);
    // One that begins in other memory is done again by the thread.
    REQUIRE(pages.protect(at, 16));
    poke(at - 8, 0);
    CHECK(world.fault(store, at - 4, FaultKind::Other).verdict == Verdict::Resumed);
    CHECK(owner.asked == 3);
    CHECK(world.pc == store->base());
    CHECK(peek(at - 8) == 0);
    CHECK_FALSE(pages.holds(at, page));
    // Nothing is protected, but another thread may have been faster. Elsewhere it is an error.
    CHECK(world.fault(store, at, FaultKind::Other).verdict == Verdict::Resumed);
    CHECK(world.fault(store, at - page, FaultKind::Other).verdict == Verdict::GuestFault);
    CHECK(world.fault(load, at, FaultKind::Other).verdict == Verdict::GuestFault);
    CHECK_FALSE(world.protocol.lock().held());
  }
}

TEST_CASE("a mapping whose file has ended is the guest's fault, but not one of its map") {
  World world(MTEDBG_Policy_Sticky);
  const uint64_t at = world.memory.map_stack(page_size(), kMine);
  const Resolution found = world.fault(world.make(kLoad, kLocal), at + 4, FaultKind::FileEnd);
  CHECK(found.verdict == Verdict::FileEnded);
  CHECK(found.address == at + 4);
  CHECK_FALSE(world.protocol.lock().held());
}

TEST_CASE("a locked access that crosses granules in such a page is left to the thread") {
  World world(MTEDBG_Policy_Sticky);
  Owner owner;
  CodePages& pages = world.memory.code_pages();
  pages.set_owner(owner);
  const uint64_t at = world.memory.map_stack(page_size(), kMine);
  world.memory.allow_code(at, page_size());
  const CodeBlock* block = world.make(kSwap, kShared);
  world.registers[5] = 9;
  REQUIRE(pages.protect(at, 16));
  CHECK(world.fault(block, at + 12, FaultKind::Other).verdict == Verdict::Resumed);
  CHECK(world.pc == block->base());
  CHECK(peek(at + 12) == 0);
  CHECK(world.fault(block, at + 12, FaultKind::Alignment).verdict == Verdict::Resumed);
  CHECK(world.pc == block->memops[0].address + 4);
  CHECK(peek(at + 12) == 9);
  CHECK(read_tag(at) == 0);
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

TEST_CASE("interpret does the access, resumes after it, and changes nothing else") {
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

TEST_CASE("under follow a shared memop that meets its own memory goes out of line") {
  World world(MTEDBG_Policy_Follow);
  const CodeBlock* block = world.make(kLoad, kShared);
  const uint64_t at = world.memory.allocate(16, kMine);
  CHECK(world.fault(block, at).verdict == Verdict::Resumed);
  const mtedbg_Memop& memop = block->memops[0];
  CHECK(read_tag(at) == kMine);
  CHECK(memop.mode == kEither);
  CHECK(memop.flips == 1);
  CHECK(memop.pinned == 0);
  CHECK(words(block)[0] == branch_word(memop.tag_address, memop.out_address));
  CHECK(words(block)[1] == *access_word_in(kLoad, kShared));
  CHECK(world.pc == block->base());
  // There it faults on another core's memory alone, at any of its words.
  const uint64_t others = world.memory.allocate(16, kOther);
  for (uint64_t pc = memop.out_address; pc < memop.out_end; pc += 4)
    CHECK(block->memop_of_fault(pc) == &memop);
  CHECK(block->memop_of_fault(memop.out_end) == nullptr);
  CHECK(block->memop_of_fault(memop.tag_address) == nullptr);
  CHECK(world.fault(block, others).verdict == Verdict::Resumed);
  CHECK(read_tag(others) == 0);
  CHECK(world.pc == block->base());
  CHECK(memop.mode == kEither);
  CHECK(memop.faults == 2);
}

TEST_CASE("under follow misaligned ordered accesses fault once") {
  World world(MTEDBG_Policy_Follow);
  const CodeBlock* block = world.make(kStore, kShared);
  const uint64_t at = world.memory.allocate(32, kOther);
  poke(at + 13, 7);
  CHECK(world.fault(block, at + 13, FaultKind::Alignment).verdict == Verdict::Resumed);
  CHECK(block->memops[0].mode == kEither);
  CHECK(world.pc == block->base());
  CHECK(peek(at + 13) == 7);
  CHECK(read_tag(at) == 0);
  CHECK(read_tag(at + 16) == 0);
}

TEST_CASE("an address that is not there, met when its tag is read, is the guest's fault") {
  World world(MTEDBG_Policy_Follow);
  const CodeBlock* block = world.make(kLoad, kEither);
  const Resolution found = world.fault(block, 0x5000, FaultKind::Other);
  CHECK(found.verdict == Verdict::GuestFault);
  CHECK(found.guest_rip == 0x401000);
  CHECK(found.address == 0x5000);
}

TEST_CASE("a split lock is done while memory has the guard tag") {
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
  guests(world.fault(block, 0x1000, FaultKind::Other), 0x1000);
  guests(world.fault(block, at, FaultKind::Other), at);
  CHECK(block->memops[0].faults == 0);
  // Half of it is the guard page below a stack.
  const uint64_t stack = world.memory.map_stack(4096, kMine);
  guests(world.fault(block, stack - 4), stack - 4);
  // Read-only memory may be read only.
  const uint64_t end = world.memory.map_stack(8192, 0) + 4096;
  REQUIRE(world.memory.seal(end, 4096));
  CHECK(world.fault(block, end).verdict == Verdict::Resumed);
  guests(world.fault(world.make(kStore, kLocal), end - 4), end - 4);
}

}  // namespace mtetso
