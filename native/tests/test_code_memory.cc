// SPDX-License-Identifier: MIT
//
// Code that comes and goes: what it leaves behind.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "code/code.h"
#include "code/description.h"
#include "code/epochs.h"
#include "debug/arena.h"
#include "debug/root.h"
#include "memory/barriers.h"
#include "samples.h"

namespace mtetso {
namespace {

struct Ready {
  Ready() {
    if (!register_barriers()) std::abort();
  }
} g_ready;

// A function of `rooms` times the sample's size, with as many ranges of which each has a name, and
// as many counters.
CompiledCode code_of(uint32_t function, uint64_t rip, size_t rooms) {
  CompiledCode made = sample::code(function, rip);
  const auto kMove = std::vector<uint32_t>{0xd2800013, 0xf2a00013, 0xf2c00013};  // of x19
  for (size_t i = 1; i < rooms; ++i) {
    const auto at = static_cast<uint32_t>(made.words.size() * sizeof(uint32_t));
    made.words.insert(made.words.end(), kMove.begin(), kMove.end());
    made.counters.push_back(at);
    made.ranges.push_back(
        {at, at + 12, MTEDBG_RangeKind_Throw, CompiledRange::kNoFunction, 0, std::string(i, 'n')});
  }
  return made;
}

const CodeBlock* commit(Code& code, uint32_t function, uint64_t rip, size_t rooms = 1) {
  return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                     code_of(function, rip, rooms));
}

// The blocks in a buffer of the list of retired ones, of the newest generation or the one before.
std::vector<mtedbg_Block> retired_in(uint64_t generation) {
  const mtedbg_Table& table = debug_root().retired.abi();
  const auto* buffer =
      reinterpret_cast<const mtedbg_Buffer*>(generation % 2 == 0 ? table.buffer0 : table.buffer1);
  const auto* records = reinterpret_cast<const mtedbg_Block*>(buffer + 1);
  return {records, records + buffer->count};
}

// Whether all that the record refers to is what it was when the block was committed.
bool whole(const mtedbg_Block& block) {
  if (mtedbg_crc32(reinterpret_cast<const void*>(block.ranges),
                   block.range_count * sizeof(mtedbg_Range)) != block.ranges_checksum)
    return false;
  const auto* memops = reinterpret_cast<const mtedbg_Memop*>(block.memops);
  for (uint32_t i = 0; i < block.memop_count; ++i)
    if (memops[i].block != block.id || memops[i].address - block.base >= block.length) return false;
  return std::string(reinterpret_cast<const char*>(block.reason), block.reason_length) ==
         "round " + std::to_string(block.id);
}

void retire(Code& code, const CodeBlock* block) {
  code.retire(block, "round " + std::to_string(block->record.id));
}

bool is_mapped(uintptr_t address) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return msync(reinterpret_cast<void*>(address & ~(page - 1)), page, MS_ASYNC) == 0;
}

}  // namespace

TEST_CASE("code that is made and retired for hours needs no more memory than at the beginning") {
  Code code;
  const uint32_t function = code.add_function("hot", 0x401000, 0x401100);
  const CodeBlock* stays = commit(code, function, 0x401000);
  size_t early = 0;
  uint64_t slots = 0;
  constexpr uint64_t kRounds = 10'000;
  for (uint64_t round = 0; round < kRounds; ++round) {
    retire(code, commit(code, CompiledRange::kNoFunction, 0x500000 + 16 * (round % 1000),
                        1 + round % 40));
    code.reclaim(UINT64_MAX);
    if (round == kRounds / 10) {
      early = arena_size();
      slots = debug_root().code_map.count();
    }
  }
  CHECK(arena_size() == early);
  CHECK(debug_root().code_map.count() == slots);
  CHECK(code.blocks().size() == 1);
  CHECK(code.lookup(stays->base()) == stays);
  CHECK(sample::published(debug_root().segments).size() <= 2);
}

TEST_CASE("programs that are loaded and unloaded for hours need no more memory either") {
  size_t early = 0;
  uint64_t functions = 0, codes = 0;
  constexpr int kRounds = 2'000;
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = "library-" + std::to_string(round % 10) + ".so";
    Code code({.name = name, .path = name});
    std::vector<FunctionIdentity> added;
    for (uint64_t i = 0; i < 20; ++i) added.push_back({name, 0x1000 * i, 0x1000 * i + 16});
    const std::vector<uint32_t> indices = code.add_functions(added);
    CHECK(std::is_sorted(indices.begin(), indices.end()));
    commit(code, indices[3], 0x3000, 5);
    if (round != kRounds / 10) continue;
    early = arena_size();
    functions = debug_root().functions.count();
    codes = debug_root().codes.count();
  }
  CHECK(arena_size() == early);
  CHECK(debug_root().functions.count() == functions);
  CHECK(debug_root().codes.count() == codes);
}

TEST_CASE("what the list of retired blocks refers to stays as long as it is listed") {
  Code code;
  const CodeBlock* held = nullptr;  // a thread is in it
  uint64_t held_id = 0;
  for (uint64_t round = 0; round < 500; ++round) {
    const CodeBlock* block =
        commit(code, CompiledRange::kNoFunction, 0x500000 + 16 * round, 1 + round % 7);
    retire(code, block);
    if (round == 100) {
      held = block;
      held_id = block->record.id;
    }
    // All but the held one and those after it.
    if (round < 100) code.reclaim(UINT64_MAX);
    const uint64_t generation = debug_root().retired.abi().published;
    for (const uint64_t of : {generation, generation - 1})
      for (const mtedbg_Block& one : retired_in(of))
        if (one.code == code.id()) REQUIRE(whole(one));
  }
  // It is listed no more, and a thread that is in it may still fault there.
  CHECK_FALSE(sample::find(debug_root().retired, &mtedbg_Block::id, held_id).has_value());
  CHECK(whole(held->record));
  CHECK(process_code_map().lookup(held->base()) == held);
}

TEST_CASE("a retired block's functions keep their names while it is listed") {
  uint64_t block = 0;
  uint32_t index = 0;
  const auto name_of = [&] {
    const auto* function = code_description().function(index);
    return function == nullptr
               ? std::string()
               : std::string(reinterpret_cast<const char*>(function->name), function->name_length);
  };
  {
    Code code({.name = "gone"});
    index = code.add_function("its own", 0x1000, 0x1010);
    block = commit(code, index, 0x1000)->record.id;
  }
  Code other({.name = "next"});
  commit(other, CompiledRange::kNoFunction, 0x9000);  // its segment stays
  int rounds = 0;
  for (; sample::find(debug_root().retired, &mtedbg_Block::id, block).has_value(); ++rounds) {
    REQUIRE(name_of() == "its own");
    CHECK(other.add_function("another", 0x2000, 0x2010) != index);
    retire(other, commit(other, CompiledRange::kNoFunction, 0x2000));
    other.reclaim(UINT64_MAX);
  }
  CHECK(rounds == CodeDescription::kRetiredKept);
  CHECK(name_of() == "its own");  // the generation before the newest lists the block
  retire(other, commit(other, CompiledRange::kNoFunction, 0x2000));
  CHECK(name_of().empty());
  CHECK(other.add_function("another", 0x2000, 0x2010) == index);
  CHECK(name_of() == "another");
}

TEST_CASE("a segment lives as long as a block refers to it, and is shown so") {
  Code code;
  const CodeBlock* first = commit(code, CompiledRange::kNoFunction, 0x1000);
  const CodeBlock* second = commit(code, CompiledRange::kNoFunction, 0x2000);
  const uintptr_t base = first->segment->base();
  const auto write = reinterpret_cast<uintptr_t>(first->segment->write_base());
  const uint64_t id = first->segment->id();
  REQUIRE(second->segment->id() == id);
  const auto shown = [&] { return sample::find(debug_root().segments, &mtedbg_Segment::id, id); };
  CHECK(shown()->references == 2);
  CHECK(shown()->blocks == 2);
  const uint64_t second_id = second->record.id;
  retire(code, first);
  CHECK(shown()->references == 2);
  CHECK(code.reclaim(UINT64_MAX) == 1);
  CHECK(shown()->references == 1);
  CHECK(is_mapped(base));
  retire(code, second);
  const auto state = [&] {
    return sample::find(debug_root().retired, &mtedbg_Block::id, second_id)->state;
  };
  CHECK(state() == MTEDBG_BlockState_Retired);
  CHECK(code.reclaim(UINT64_MAX) == 1);
  CHECK_FALSE(shown().has_value());
  CHECK(state() == MTEDBG_BlockState_Unmapped);
  CHECK_FALSE(is_mapped(base));
  CHECK_FALSE(is_mapped(write));
  // One whose commit fails goes as well: it was never shown.
  const size_t before = sample::published(debug_root().segments).size();
  CompiledCode broken = sample::code(CompiledRange::kNoFunction, 0x3000);
  broken.fixups = {{0, 77}};
  CHECK_THROWS_AS(
      code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(broken)),
      CodeError);
  CHECK(sample::published(debug_root().segments).size() == before);
}

TEST_CASE("a block's record says what the debug root says") {
  Code code;
  const uint32_t function = code.add_function("hot", 0x700000, 0x700010);
  const CodeBlock* old = commit(code, function, 0x700000);
  const CodeBlock* better = code.commit(MTEDBG_BlockKind_OptimizedTier, MTEDBG_Tier_Optimized,
                                        sample::code(function, 0x700000), old);
  const auto same = [](const CodeBlock* block, const auto& table) {
    const auto shown = sample::find(table, &mtedbg_Block::id, block->record.id);
    REQUIRE(shown.has_value());
    return std::memcmp(&*shown, &block->record, sizeof block->record) == 0;
  };
  CHECK(same(old, debug_root().code_map));
  CHECK(old->record.superseded_by == better->record.id);
  retire(code, old);
  CHECK(same(old, debug_root().retired));
  CHECK(old->record.reason_length != 0);
}

TEST_CASE("pieces of the arena are whole, zeroed and used again") {
  const void* first = nullptr;
  {
    ArenaPieces pieces;
    const auto words = pieces.array<uint64_t>(100);
    first = words.data();
    for (uint64_t& one : words) one = UINT64_MAX;
    CHECK(reinterpret_cast<uintptr_t>(first) % ArenaPieces::kAlignment == 0);
  }
  {
    ArenaPieces pieces;
    const auto words = pieces.array<uint64_t>(100);
    CHECK(words.data() == first);
    for (const uint64_t one : words) REQUIRE(one == 0);
    CHECK(pieces.array<uint64_t>(100).data() != first);
    CHECK(std::string(pieces.string("abc")) == "abc");
  }
  // Of every size: no two overlap. Large ones are mapped for themselves, and go.
  for (size_t bytes = 1; bytes < size_t{3} << 20; bytes += 1 + bytes / 3) {
    const size_t before = arena_size();
    size_t both = 0;
    for (int round = 0; round < 2; ++round) {
      ArenaPieces one, other;
      auto a = one.array<uint8_t>(bytes), b = other.array<uint8_t>(bytes);
      std::fill(a.begin(), a.end(), 1);
      std::fill(b.begin(), b.end(), 2);
      REQUIRE(std::all_of(a.begin(), a.end(), [](uint8_t byte) { return byte == 1; }));
      if (round == 0) both = arena_size();
      REQUIRE(arena_size() == both);
    }
    if (bytes > size_t{1} << 19) REQUIRE(arena_size() == before);
  }
}

}  // namespace mtetso
