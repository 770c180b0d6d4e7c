// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "code/code.h"
#include "code/listener.h"
#include "code/memop_words.h"
#include "code/sections.h"
#include "debug/arena.h"
#include "debug/root.h"
#include "memory/barriers.h"
#include "samples.h"

namespace {
// The allocation, counted from 1, that fails; 0 for none.
thread_local size_t g_failing_allocation = 0;
}  // namespace

// Not inlined: GCC would take malloc and operator delete for a mismatch.
[[gnu::noinline]] void* operator new(size_t bytes) {
  if (g_failing_allocation != 0 && --g_failing_allocation == 0) throw std::bad_alloc();
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// AddressSanitizer has a nothrow form of its own, whose memory std::free() must not get.
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace mtetso {
namespace {

using sample::find, sample::kLoad, sample::kNop, sample::published;

constexpr uint32_t kFunction = MTEDBG_RangeKind_Function;

const CodeBlock* commit(Code& code, uint32_t function, uint64_t rip) {
  return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                     sample::code(function, rip));
}

struct Ready {
  Ready() {
    if (!register_barriers()) std::abort();
  }
} g_ready;

}  // namespace

TEST_CASE("a committed block is found by everyone, with all that is known of it") {
  Code code;
  const uint32_t function = code.add_function("main", 0x401000, 0x401100);
  const CodeBlock* block = commit(code, function, 0x401000);
  CHECK(code.lookup(block->base() + 8) == block);
  CHECK(process_code_map().lookup(block->base() + 8) == block);
  CHECK(code.entry(0x401000) == block->base());
  CHECK(code.entry(0x401007) == block->base() + 12);
  CHECK(code.entry(0x401001) == 0);
  CHECK(block->memop_at(block->base() + 8)->guest_rip == 0x401003);
  CHECK(block->memop_at(block->base() + 4) == nullptr);
  CHECK(block->range_at(block->base() + 12)->kind == kFunction);
  CHECK(block->range_at(block->base() + 16) == nullptr);  // between two ranges
  CHECK(block->range_at(block->base() + 20)->kind == MTEDBG_RangeKind_Throw);
  CHECK(block->functions.find(function) == 0);
  CHECK(*reinterpret_cast<const uint32_t*>(block->base() + 8) == kLoad);
  CHECK(*block->writable(block->base() + 8) == kLoad);

  const auto shown = find(debug_root().code_map, &mtedbg_Block::id, block->record.id);
  REQUIRE(shown.has_value());
  CHECK(shown->base == block->base());
  CHECK(shown->state == MTEDBG_BlockState_Published);
  CHECK(shown->generation == debug_root().code_map.abi().published);
  CHECK(shown->memops == address_of(block->memops.data()));
  CHECK(mtedbg_crc32(reinterpret_cast<const void*>(shown->ranges),
                     shown->range_count * sizeof(mtedbg_Range)) == shown->ranges_checksum);
  const auto known = find(debug_root().functions, &mtedbg_Function::index, function);
  CHECK(known->block == block->record.id);
  CHECK(known->best_tier == MTEDBG_Tier_Baseline);
  CHECK(known->tier_state == MTEDBG_TierState_Committed);
  const auto segment = find(debug_root().segments, &mtedbg_Segment::id, block->record.segment);
  REQUIRE(segment.has_value());
  CHECK(segment->base <= block->base());
  CHECK(segment->used == block->end() - segment->base);
  CHECK(debug_root().journal[1].operation == MTEDBG_Operation_None);
}

TEST_CASE("blocks share a segment, with padding") {
  Code code;
  const CodeBlock* last = nullptr;
  for (int i = 0; i < 50; ++i) {
    const CodeBlock* block = commit(code, CompiledRange::kNoFunction, 0x500000 + 0x10 * i);
    CHECK(block->base() % CodeSegment::kAlignment == 0);
    if (last != nullptr) {
      CHECK(block->segment == last->segment);
      CHECK(block->base() > last->end());
      CHECK(code.lookup(last->end()) == nullptr);
    }
    last = block;
  }
  uint64_t end = 0;
  auto shown = published(debug_root().code_map);
  std::sort(shown.begin(), shown.end(),
            [](const mtedbg_Block& a, const mtedbg_Block& b) { return a.base < b.base; });
  for (const mtedbg_Block& block : shown) {
    CHECK(block.base >= end);
    end = block.base + block.length;
  }
  CHECK(find(debug_root().segments, &mtedbg_Segment::id, last->record.segment)->blocks == 50);
}

TEST_CASE("a block larger than a segment gets one of its own") {
  Code code;
  CompiledCode large;
  large.words.assign(CodeSegment::kDefaultCapacity / 4 + 1, kNop);
  const CodeBlock* block =
      code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(large));
  CHECK(block->segment->capacity() > CodeSegment::kDefaultCapacity);
  CHECK(commit(code, CompiledRange::kNoFunction, 0x600000)->segment == block->segment);
}

TEST_CASE("what replaces a block") {
  Code code;
  const uint32_t function = code.add_function("hot", 0x700000, 0x700010);
  const CodeBlock* old = commit(code, function, 0x700000);
  const CodeBlock* better = code.commit(MTEDBG_BlockKind_OptimizedTier, MTEDBG_Tier_Optimized,
                                        sample::code(function, 0x700000), old);
  CHECK(code.entry(0x700000) == better->base());
  CHECK(code.lookup(old->base()) == old);
  const auto& map = debug_root().code_map;
  CHECK(find(map, &mtedbg_Block::id, old->record.id)->superseded_by == better->record.id);
  CHECK(find(map, &mtedbg_Block::id, better->record.id)->supersedes == old->record.id);
  code.retire(old, "tier 2 is there");
  CHECK(code.lookup(old->base()) == nullptr);
  // A thread may still be in it, and a fault there is to be handled.
  CHECK(process_code_map().lookup(old->base()) == old);
  CHECK(!find(map, &mtedbg_Block::id, old->record.id).has_value());
  const auto retired = find(debug_root().retired, &mtedbg_Block::id, old->record.id);
  REQUIRE(retired.has_value());
  CHECK(retired->state == MTEDBG_BlockState_Retired);
  CHECK(std::string_view(reinterpret_cast<const char*>(retired->reason), retired->reason_length) ==
        "tier 2 is there");
  CHECK(*reinterpret_cast<const uint32_t*>(retired->base + 8) == kLoad);
  CHECK(code.entry(0x700000) == better->base());
}

TEST_CASE("retiring takes the entries away") {
  Code code;
  const CodeBlock* block = commit(code, CompiledRange::kNoFunction, 0x800000);
  code.retire(block, "");
  CHECK(code.entry(0x800000) == 0);
  CHECK(code.entry(0x800007) == 0);
}

TEST_CASE("code that contradicts itself is refused and changes nothing") {
  Code code;
  const uint32_t function = code.add_function("f", 0x900000, 0x900010);
  const auto refused = [&](auto spoil) {
    CompiledCode bad = sample::code(function, 0x900000);
    spoil(bad);
    const uint64_t generation = debug_root().code_map.abi().published;
    CHECK_THROWS_AS(
        code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(bad)),
        CodeError);
    CHECK(debug_root().code_map.abi().published == generation);
    CHECK(code.entry(0x900000) == 0);
  };
  refused([](CompiledCode& bad) { bad.words.clear(); });
  refused([](CompiledCode& bad) { std::swap(bad.ranges[0], bad.ranges[1]); });
  refused([](CompiledCode& bad) { bad.ranges[0].end = 24; });
  refused([](CompiledCode& bad) { bad.ranges[1].end = 28; });
  refused([](CompiledCode& bad) { bad.ranges[1].begin = 22; });
  refused([](CompiledCode& bad) { bad.ranges[0].kind = 0; });
  refused([](CompiledCode& bad) { bad.ranges[0].kind = 8; });
  refused([&](CompiledCode& bad) { bad.ranges[0].function = 1u << 30; });
  refused([](CompiledCode& bad) { bad.memops[0].access_offset = 12; });
  refused([](CompiledCode& bad) { bad.memops[0].access_offset = 0xfffffffc; });
  refused([](CompiledCode& bad) { bad.memops[0].tag_offset = 8; });
  refused([](CompiledCode& bad) { bad.memops[0].size = 4; });
  refused([](CompiledCode& bad) { bad.memops[0].access = MTEDBG_Access_Store; });
  refused([](CompiledCode& bad) { bad.memops[0].mode = MTEDBG_Mode_Shared; });
  refused([](CompiledCode& bad) { bad.memops.push_back(bad.memops[0]); });
  refused([](CompiledCode& bad) { bad.entries[0].offset = 24; });
  refused([](CompiledCode& bad) { bad.entries[0].guest_rip = 0; });
}

TEST_CASE("an out-of-line form is found with its memop, or refused") {
  constexpr uint64_t kRip = 0x980000;
  Code code;
  const uint32_t function = code.add_function("f", kRip, kRip + 16);
  const auto commit_it = [&](CompiledCode&& made) {
    return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  };
  const auto refused = [&](auto spoil) {
    CompiledCode bad = sample::either_code(function, kRip);
    spoil(bad);
    CHECK_THROWS_AS(commit_it(std::move(bad)), CodeError);
  };
  refused([](CompiledCode& bad) { bad.memops[0].out_offset = CompiledMemop::kNone; });
  refused([](CompiledCode& bad) { bad.memops[0].out_offset = 28; });
  refused([](CompiledCode& bad) { bad.memops[0].out_offset = 0xfffffffc; });
  refused([](CompiledCode& bad) { bad.memops[0].tag_offset = CompiledMemop::kNone; });
  refused([](CompiledCode& bad) { bad.words[1] = tag_word(MTEDBG_Mode_Shared, 0); });
  refused([](CompiledCode& bad) { bad.words.pop_back(); });
  for (size_t word = 6; word < 16; ++word)
    refused([&](CompiledCode& bad) { bad.words[word] ^= 1; });
  CompiledCode two = sample::either_code(function, kRip);
  two.memops.push_back(two.memops[0]);
  two.words.insert(two.words.end(), {kNop, two.words[1], two.words[2]});
  two.memops[1].tag_offset = 4 * 17;
  two.memops[1].access_offset = 4 * 18;
  two.memops[1].mode = MTEDBG_Mode_Shared;
  two.memops[1].out_offset = CompiledMemop::kNone;
  CHECK_THROWS_AS(commit_it(std::move(two)), CodeError);

  const CodeBlock* block = commit_it(sample::either_code(function, kRip));
  const mtedbg_Memop& memop = block->memops[0];
  CHECK(memop.mode == MTEDBG_Mode_Either);
  CHECK(memop.out_address == block->base() + 24);
  CHECK(memop.out_end == block->base() + 64);
  CHECK(block->memop_out_of_line(memop.out_address - 4) == nullptr);
  CHECK(block->memop_out_of_line(memop.out_end - 4) == &memop);
  CHECK(block->memop_out_of_line(memop.out_end) == nullptr);
}

namespace {

// Commits into a new Code with allocation number `n` failing; whether it did fail. Then everything
// must be as before, and the same commit must go through.
bool fails_cleanly(size_t n) {
  constexpr uint64_t kRip = 0xa00000;
  Code code;
  CompiledCode once = sample::code(CompiledRange::kNoFunction, kRip);
  const uint64_t generation = debug_root().code_map.abi().published;
  const size_t mapped = process_code_map().size();
  bool failed = false;
  g_failing_allocation = n;
  try {
    code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(once));
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  g_failing_allocation = 0;
  CHECK(debug_root().journal[1].operation == MTEDBG_Operation_None);
  CHECK((code.entry(kRip) == 0) == failed);
  if (!failed) return false;
  CHECK(code.blocks().empty());
  CHECK(debug_root().code_map.abi().published == generation);
  CHECK(process_code_map().size() == mapped);
  const CodeBlock* block = commit(code, CompiledRange::kNoFunction, kRip);
  CHECK(code.lookup(block->base()) == block);
  CHECK(process_code_map().lookup(block->base()) == block);
  return true;
}

}  // namespace

TEST_CASE("memory that runs out at any allocation leaves everything as it was") {
  // Twice: in the second round what the process keeps has grown already, so that the allocations
  // are the same in each attempt and every one of them gets its turn.
  for (int round = 0; round < 2; ++round) {
    size_t n = 1;
    while (fails_cleanly(n)) ++n;
    CHECK(n > 8);
  }
}

TEST_CASE("function to range: dense and sparse answer alike") {
  const auto ranges_of = [](std::initializer_list<uint32_t> functions) {
    std::vector<mtedbg_Range> ranges;
    for (const uint32_t function : functions) {
      mtedbg_Range range{};
      range.kind = MTEDBG_RangeKind_Function;
      range.function = function;
      ranges.push_back(range);
    }
    return ranges;
  };
  const FuncToCodeRange dense(ranges_of({7, 5, 6, 9}));
  CHECK(dense.dense());
  const FuncToCodeRange sparse(ranges_of({7, 500000, 6, 9}));
  CHECK_FALSE(sparse.dense());
  for (const FuncToCodeRange* one : {&dense, &sparse}) {
    CHECK(one->size() == 4);
    CHECK(one->find(7) == 0);
    CHECK(one->find(6) == 2);
    CHECK(one->find(9) == 3);
    for (const uint32_t absent : {0u, 4u, 8u, 10u, UINT32_MAX})
      CHECK(one->find(absent) == FuncToCodeRange::kNone);
  }
  CHECK(sparse.find(500000) == 1);
  CHECK(FuncToCodeRange().find(0) == FuncToCodeRange::kNone);
  // A block's other ranges are of no function; a function in two pieces is found at the first.
  auto mixed = ranges_of({3, 3});
  mixed.insert(mixed.begin(), mtedbg_Range{});
  CHECK(FuncToCodeRange(mixed).find(3) == 1);
  CHECK(FuncToCodeRange(mixed).find(0) == FuncToCodeRange::kNone);
}

TEST_CASE("the entry map grows under readers") {
  EntryMap map;
  CHECK(map.find(1) == 0);
  for (uint64_t rip = 1; rip <= 5000; ++rip) {
    map.reserve(1);
    map.set(rip * 16, rip);
  }
  for (uint64_t rip = 1; rip <= 5000; ++rip) REQUIRE(map.find(rip * 16) == rip);
  CHECK(map.find(8) == 0);
  CHECK(map.find(0) == 0);
  for (uint64_t rip = 16 * 90; rip <= 16 * 210; rip += 16) map.erase(rip, 100, 200);
  CHECK(map.find(16 * 99) == 99);
  CHECK(map.find(16 * 100) == 0);
  CHECK(map.find(16 * 200) == 200);
  map.set(16 * 100, 7);
  CHECK(map.find(16 * 100) == 7);
}

TEST_CASE("a fault of a critical section is found by its abort handler, and starts over") {
  CompiledCode made;
  constexpr uint32_t kMove = 0xd2800019, kKeep = 0xf2800019;  // movz, movk x25
  made.words = {sample::kNop,
                kMove,
                kKeep | 1u << 21,
                kKeep | 2u << 21,
                sample::kNop,
                sample::kNop,
                tag_word(MTEDBG_Mode_Local, 0),
                sample::kLoad,
                sample::kNop,
                kRseqSignature,
                sample::kNop};
  made.ranges = {{0, 44, MTEDBG_RangeKind_Function, CompiledRange::kNoFunction, 0x401000, "f"}};
  made.memops = {{24, 28, 0x401000, MTEDBG_Access_Load, 8, MTEDBG_Mode_Local, 4, 40}};
  Code code;
  const CodeBlock* block =
      code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  const mtedbg_Memop* memop = &block->memops[0];
  CHECK(block->memop_of_fault(block->base() + 28) == memop);
  CHECK(block->memop_of_fault(block->base() + 40) == memop);
  CHECK(block->memop_of_fault(block->base() + 36) == nullptr);
  CHECK(memop->restart_address == block->base() + 4);
}

TEST_CASE("a counter's address is in the code and in the records of its memops") {
  Code code;
  CompiledCode made = sample::code(CompiledRange::kNoFunction, 0x401000);
  const auto at = static_cast<uint32_t>(made.words.size() * sizeof(uint32_t));
  made.words.insert(made.words.end(), {0xd2800013, 0xf2a00013, 0xf2c00013});  // movz, movk of x19
  made.counters = {at};
  made.memops[0].counter = 0;
  for (const auto& damage : std::vector<std::function<void(CompiledCode&)>>{
           [](CompiledCode& one) { one.memops[0].counter = 1; },
           [](CompiledCode& one) { one.counters[0] = 0; },
           [](CompiledCode& one) { one.counters[0] += sizeof(uint32_t); }}) {
    CompiledCode damaged = made;
    damage(damaged);
    CHECK_THROWS_AS(
        code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(damaged)),
        CodeError);
  }
  const CodeBlock* block =
      code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  const uint32_t* words = block->writable(block->base() + at);
  uint64_t address = 0;
  for (int part = 0; part < 3; ++part)
    address |= uint64_t{words[part] >> 5 & 0xffff} << (16 * part);
  REQUIRE(block->counters.size() == 1);
  CHECK(address == address_of(block->counters.data()));
  CHECK(block->memops[0].counter == address);
  CHECK(block->counters[0] == 0);
}

TEST_CASE("listeners hear of a block before it is entered, and when it goes") {
  static std::vector<std::string> heard;
  struct Listener : CodeListener {
    void added(const CodeBlock& block, std::string_view program) override {
      heard.push_back("added " + std::to_string(block.record.id) + " of " + std::string(program));
    }
    void removed(const CodeBlock& block) override {
      heard.push_back("removed " + std::to_string(block.record.id));
    }
  };
  add_code_listener(std::make_unique<Listener>());
  uint64_t first = 0, second = 0;
  {
    Code code(CodeIdentity{"guest.elf"});
    const auto commit = [&](uint64_t rip) {
      return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                         sample::code(CompiledRange::kNoFunction, rip));
    };
    const CodeBlock* block = commit(0x401000);
    first = block->record.id;
    second = commit(0x402000)->record.id;
    heard.erase(heard.begin());
    code.retire(block, "a test");
    uint64_t last = 0;
    CHECK(code.reclaim(UINT64_MAX, [&](const CodeBlock& one) { last = one.record.id; }) == 1);
    CHECK(last == first);
  }
  CHECK(heard == std::vector<std::string>{"added " + std::to_string(second) + " of guest.elf",
                                          "removed " + std::to_string(first),
                                          "removed " + std::to_string(second)});
}

}  // namespace mtetso
