// SPDX-License-Identifier: MIT
//
// What a debugger sees at every instruction of the fault handler's work.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "fault_world.h"
#include "single_step.h"

namespace mtetso {

namespace {

void poke(uint64_t address, uint64_t value) {
  std::memcpy(reinterpret_cast<void*>(address), &value, sizeof value);
}

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
                // While the change is half done, no other thread's access passes.
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

namespace {

constexpr uint32_t kOnly = 2;  // of the places a word can have: to either, [1] is the only one

// Checks the table in patch.h at one instruction; returns the row it is in.
uint32_t check_row(const Child& child, const CodeBlock* block, uint32_t from, uint32_t to,
                   bool seed) {
  const auto journal = child.read<mtedbg_Journal>(address_of(&debug_root().journal[0]));
  const auto memop = child.read<mtedbg_Memop>(address_of(block->memops.data()));
  const auto now = child.read<std::array<uint32_t, 2>>(address_of(words(block)));
  const auto is = [&](uint32_t word, uint32_t mode) {
    if (word == kOnly) return true;
    if (word == 1) return now[1] == *access_word_in(now[1], mode);
    return now[0] == (mode == kEither ? branch_word(memop.tag_address, memop.out_address)
                                      : tag_word(mode, 0));
  };
  const uint32_t first = to == kShared && !seed ? 1 : 0;
  const uint32_t second = to == kEither ? kOnly : 1 - first;
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
  constexpr uint32_t kPhases[] = {MTEDBG_Phase_PatchAddress, MTEDBG_Phase_PatchMemop, 0};
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
  const uint32_t to = from == kLocal ? kShared : policy == MTEDBG_Policy_Follow ? kEither : kLocal;
  block->memops[0].faults = 1;
  const uint64_t at = world.memory.allocate(16, tag);
  std::set<uint32_t> phases;
  bool half = false;
  single_step([&] { world.fault(block, at); },
              [&](const Child& child) {
                phases.insert(check_row(child, block, from, to, policy == MTEDBG_Policy_Seed));
                const auto mode = child.read<mtedbg_Memop>(address_of(block->memops.data())).mode;
                const auto now = child.read<std::array<uint32_t, 2>>(address_of(words(block)));
                // To either: between the word and the record.
                half = half || (to == kEither ? (now[0] == tag_word(kShared, 0)) != (mode == from)
                                              : (now[0] == tag_word(kLocal, 0)) !=
                                                    (now[1] == *access_word_in(now[1], kLocal)));
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
  std::set<uint32_t> one_word = patch;
  one_word.erase(MTEDBG_Phase_PatchMemop);
  SUBCASE("to either") { watch_patch(MTEDBG_Policy_Follow, kShared, kMine, one_word); }
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
