// SPDX-License-Identifier: MIT
//
// Tiers, lazy entry stubs and the end of blocks, with the races among them at named points.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <semaphore>
#include <thread>

#include "code/code.h"
#include "code/description.h"
#include "code/epochs.h"
#include "code/memop_words.h"
#include "debug/arena.h"
#include "debug/points.h"
#include "debug/root.h"
#include "memory/barriers.h"
#include "samples.h"

namespace mtetso {
namespace {

constexpr uint64_t kMain = 0x401000, kImport = 0x402000;

struct Ready {
  Ready() {
    if (!register_barriers()) std::abort();
  }
} g_ready;

// What happens at a point, once.
Point g_when = Point::Count;
std::function<void()> g_what;

void happen(Point at) {
  if (at != g_when) return;
  g_when = Point::Count;
  g_what();
}

struct At {
  At(Point when, std::function<void()> what) {
    g_when = when;
    g_what = std::move(what);
    set_point_hook(happen);
  }
  ~At() { set_point_hook(nullptr); }
};

CompiledCode stub_words(const EntryStub& stub) {
  CompiledCode code;
  code.words = {sample::kNop, sample::kNop};
  code.ranges = {{0, 8, MTEDBG_RangeKind_EntryStub, stub.function, stub.guest_rip, stub.symbol}};
  return code;
}

// A program: an import thunk in the shared stubs, and one function.
struct Program {
  Code code{{"program"}, stub_words};
  uint32_t main = code.add_function("main", kMain, kMain + 0x10);
  const CodeBlock* stubs = nullptr;
  const CodeBlock* baseline = nullptr;

  Program() {
    CompiledCode thunks;
    thunks.words = {sample::kNop};
    thunks.ranges = {
        {0, 4, MTEDBG_RangeKind_ImportThunk, CompiledRange::kNoFunction, kImport, "write"}};
    thunks.entries = {{kImport, 0}};
    stubs = code.commit(MTEDBG_BlockKind_SharedStubs, MTEDBG_Tier_None, std::move(thunks));
    baseline = code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                           sample::code(main, kMain), nullptr, Span::Complete);
  }

  const CodeBlock* commit_tier_2(const CodeBlock* supersedes = nullptr) {
    return code.commit(MTEDBG_BlockKind_OptimizedTier, MTEDBG_Tier_Optimized,
                       sample::code(main, kMain), supersedes, Span::Complete);
  }

  // The block that an exported stub enters.
  uint64_t callee(uintptr_t stub) const {
    const CodeBlock* block = code.lookup(stub);
    return block == nullptr ? 0 : block->ranges[0].callee_block;
  }
};

}  // namespace

TEST_CASE("a stub is made at the first call and says what it enters") {
  Program program;
  CHECK(program.code.export_function(0x12345) == 0);
  const uintptr_t stub = program.code.export_function(kMain);
  REQUIRE(stub != 0);
  CHECK(program.code.export_function(kMain) == stub);
  const CodeBlock* block = program.code.lookup(stub);
  REQUIRE(block != nullptr);
  CHECK(block->record.kind == MTEDBG_BlockKind_LazyStubs);
  CHECK(block->record.tier == MTEDBG_Tier_Baseline);
  CHECK(block->record.code == program.code.id());
  CHECK(block->ranges[0].function == program.main);
  CHECK(block->ranges[0].guest_rip == kMain);
  CHECK(program.callee(stub) == program.baseline->record.id);
  CHECK(process_code_map().lookup(stub) == block);
}

TEST_CASE("stubs of both tiers stand side by side in one place") {
  Program program;
  const uintptr_t first = program.code.export_function(kMain);
  const CodeBlock* better = program.commit_tier_2();
  const uintptr_t second = program.code.export_function(kMain);
  CHECK(second != first);
  CHECK(program.callee(second) == better->record.id);
  // The first one may still be called.
  CHECK(program.callee(first) == program.baseline->record.id);
  CHECK(program.code.lookup(first)->segment == program.code.lookup(second)->segment);
  CHECK(program.code.lookup(second)->record.tier == MTEDBG_Tier_Optimized);
}

TEST_CASE("race: an import thunk is exported before tier 2 commits, which knows nothing of it") {
  Program program;
  const uintptr_t thunk = program.code.export_function(kImport);
  REQUIRE(thunk != 0);
  const CodeBlock* better = program.commit_tier_2(program.baseline);
  program.code.retire(program.baseline, "tier 2 is whole");
  CHECK(better->functions.find(program.main) != FuncToCodeRange::kNone);
  CHECK(program.code.export_function(kImport) == thunk);
  CHECK(program.callee(thunk) == program.stubs->record.id);
  CHECK(program.code.lookup(thunk)->record.tier == MTEDBG_Tier_None);
  CHECK(program.code.entry(kImport) == program.stubs->base());
}

TEST_CASE("race: tier 2 commits after a stub was asked for and before the lock is taken") {
  Program program;
  const CodeBlock* better = nullptr;
  uintptr_t stub = 0;
  {
    const At at(Point::ExportAsked, [&] { better = program.commit_tier_2(); });
    stub = program.code.export_function(kMain);
  }
  REQUIRE(better != nullptr);
  CHECK(program.callee(stub) == better->record.id);
  CHECK(program.code.export_function(kMain) == stub);
}

TEST_CASE("race: a block that can be found is whole") {
  Program program;
  for (const Point when : {Point::CommitMapped, Point::CommitDescribed, Point::CommitEntered}) {
    const uint64_t rip = kMain + 0x1000 * (static_cast<uint64_t>(when) + 1);
    bool seen = false;
    const At at(when, [&] {
      const CodeBlock* newest = program.code.blocks().back().get();
      const CodeBlock* found = nullptr;
      std::thread([&] { found = process_code_map().lookup(newest->base() + 8); }).join();
      REQUIRE(found == newest);
      CHECK(found->memop_at(found->base() + 8)->guest_rip == rip + 3);
      CHECK(found->range_at(found->base())->function == program.main);
      CHECK(found->functions.find(program.main) == 0);
      CHECK(*reinterpret_cast<const uint32_t*>(found->base() + 8) == sample::kLoad);
      CHECK((program.code.entry(rip) != 0) == (when == Point::CommitEntered));
      seen = true;
    });
    program.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                        sample::code(program.main, rip));
    CHECK(seen);
  }
}

TEST_CASE("race: before the journal says so nothing of a block can be found") {
  Program program;
  const size_t mapped = process_code_map().size();
  bool seen = false;
  const At at(Point::CommitBuilt, [&] {
    CHECK(process_code_map().size() == mapped);
    CHECK(debug_root().journal[1].operation == MTEDBG_Operation_None);
    seen = true;
  });
  program.commit_tier_2();
  CHECK(seen);
}

TEST_CASE("code of a lower tier that was longer in the making changes nothing") {
  Program program;
  const CodeBlock* better = program.commit_tier_2();
  program.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
                      sample::code(program.main, kMain));
  CHECK(program.code.entry(kMain) == better->base());
  const mtedbg_Function* known = code_description().function(program.main);
  CHECK(known->best_tier == MTEDBG_Tier_Optimized);
  CHECK(known->block == better->record.id);
  CHECK(program.code.slot(program.main)->better == better->base());
}

TEST_CASE("tier slots and the words that refer to them") {
  Program program;
  const TierSlot* slot = program.code.slot(program.main);
  CHECK(slot->best == program.baseline->base());
  CHECK(slot->better == 0);
  CompiledCode code = sample::code(program.main, kMain + 0x100);
  code.words.insert(code.words.end(), {0xd2800011, 0xf2a00011, 0xf2c00011});  // movz, movk, movk
  code.fixups = {{24, program.main}};
  const CodeBlock* block =
      program.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(code));
  uint64_t address = 0;
  for (int part = 0; part < 3; ++part)
    address |= uint64_t{*block->writable(block->base() + 24 + 4 * part) >> 5 & 0xffff}
               << (16 * part);
  CHECK(address == address_of(slot));
}

TEST_CASE("a retired block goes when no thread can be in it, and its segment with the last") {
  Program program;
  static std::atomic<uint64_t> thread{0};  // epochs keep it for good
  epochs().add(&thread);
  epochs().enter(thread);  // it may be in the baseline code
  const uintptr_t inside = program.baseline->base() + 8;
  const uint64_t segment = program.baseline->record.segment, id = program.baseline->record.id;
  program.commit_tier_2(program.baseline);
  program.code.retire(program.baseline, "tier 2 is whole");
  CHECK(program.code.reclaim(epochs().oldest()) == 0);
  REQUIRE(process_code_map().lookup(inside) != nullptr);
  CHECK(process_code_map().lookup(inside)->memop_at(inside) != nullptr);

  Epochs::leave(thread);
  bool marked = false;
  {
    const At at(Point::UnmapMarked, [&] {
      CHECK(sample::find(debug_root().retired, &mtedbg_Block::id, id)->state ==
            MTEDBG_BlockState_Unmapped);
      CHECK(*reinterpret_cast<const uint32_t*>(inside) == sample::kLoad);  // still there
      marked = true;
    });
    CHECK(program.code.reclaim(epochs().oldest()) == 1);
  }
  CHECK(marked);
  CHECK(process_code_map().lookup(inside) == nullptr);
  CHECK(!sample::find(debug_root().segments, &mtedbg_Segment::id, segment).has_value());
}

TEST_CASE("what an entry stub leads into stays") {
  Program program;
  const uintptr_t stub = program.code.export_function(kMain);
  const CodeBlock* baseline = program.baseline;
  program.commit_tier_2(baseline);
  program.code.retire(baseline, "tier 2 is whole");
  CHECK(program.code.reclaim(epochs().oldest() + 1) == 0);
  CHECK(process_code_map().lookup(baseline->base()) == baseline);
  CHECK(program.code.lookup(stub) != nullptr);
}

TEST_CASE("what was made from bytes that change is retired, and nothing else") {
  Program program;
  const uint32_t other = program.code.add_function("other", kMain + 0x100, kMain + 0x110);
  CompiledCode made = sample::code(other, kMain + 0x100);
  made.sources = {{kMain + 0x100, kMain + 0x108}, {kMain + 0x10c, kMain + 0x110}};
  const CodeBlock* block =
      program.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  CHECK(program.code.best_tier(other) == MTEDBG_Tier_Baseline);
  const uintptr_t stub = program.code.export_function(kMain + 0x100);
  const auto retire = [&](uint64_t begin, uint64_t end) {
    return program.code.retire_made_from(kMain + begin, kMain + end, "changed");
  };
  CHECK(retire(0, 0x100) == 0);
  CHECK(retire(0x108, 0x10c) == 0);  // between its bytes
  CHECK(retire(0x110, 0x1000) == 0);
  CHECK(block->record.state == MTEDBG_BlockState_Published);
  CHECK(block->made_from(kMain + 0x102, kMain + 0x103));  // in the middle
  CHECK(block->made_from(kMain + 0x10f, kMain + 0x200));
  CHECK(block->made_from(0, UINT64_MAX));
  CHECK(retire(0x107, 0x10c) == 1);
  CHECK(block->record.state == MTEDBG_BlockState_Retired);
  CHECK(program.code.entry(kMain + 0x100) == 0);
  CHECK(program.code.slot(other)->best.load() == 0);
  CHECK(program.code.best_tier(other) == MTEDBG_Tier_None);
  CHECK(program.code.lookup(block->base()) == nullptr);
  CHECK(process_code_map().lookup(block->base()) == block);  // threads may be in it
  CHECK(program.baseline->record.state == MTEDBG_BlockState_Published);
  // Code that is made anew is entered and exported anew, whatever the tier of the old one was.
  CompiledCode again = sample::code(other, kMain + 0x100);
  again.sources = {{kMain + 0x100, kMain + 0x110}};
  const CodeBlock* next =
      program.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(again));
  CHECK(program.code.entry(kMain + 0x100) == next->base());
  CHECK(program.code.slot(other)->best.load() == next->base());
  CHECK(program.code.export_function(kMain + 0x100) != stub);
}

TEST_CASE("a program that goes takes all of its code with it") {
  const size_t mapped = process_code_map().size();
  const size_t segments = sample::published(debug_root().segments).size();
  const size_t codes = sample::published(debug_root().codes).size();
  {
    Program program;
    program.code.export_function(kMain);
    CHECK(sample::published(debug_root().codes).size() == codes + 1);
    CHECK(sample::published(debug_root().codes).back().shared_stubs == program.stubs->record.id);
  }
  CHECK(process_code_map().size() == mapped);
  CHECK(sample::published(debug_root().segments).size() == segments);
  CHECK(sample::published(debug_root().codes).size() == codes);
}

TEST_CASE("two programs in one process know nothing of each other's code") {
  Program one, other;
  CHECK(one.code.lookup(other.baseline->base()) == nullptr);
  CHECK(process_code_map().lookup(other.baseline->base()) == other.baseline);
  CHECK(one.code.slot(other.main) == nullptr);
  CompiledCode foreign = sample::code(one.main, kMain);
  foreign.words.insert(foreign.words.end(), {0xd2800011, 0xf2a00011, 0xf2c00011});
  foreign.fixups = {{24, other.main}};
  CHECK_THROWS_AS(
      one.code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(foreign)),
      CodeError);
}

TEST_CASE("stress: stubs are asked for while tiers commit and blocks go") {
  Program program;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 2; ++i)
    askers.emplace_back([&, i] {
      for (uint64_t n = 0; !stop.load(std::memory_order_relaxed); ++n) {
        const uint64_t rip = n % 2 == 0 ? kMain : kImport;
        const uintptr_t stub = program.code.export_function(rip);
        if (stub == 0 || program.code.lookup(stub) == nullptr) ++wrong;
        if (i == 0) program.code.reclaim(epochs().oldest());
      }
    });
  const CodeBlock* last = program.baseline;
  for (int round = 0; round < 60; ++round) {
    const CodeBlock* next = program.commit_tier_2(last);
    program.code.retire(last, "replaced");
    last = next;
  }
  stop = true;
  for (auto& thread : askers) thread.join();
  CHECK(wrong == 0);
}

}  // namespace mtetso
