// SPDX-License-Identifier: MIT
//
// Where blocks begin, how far the exits of polls are, and on which flags readers wait. Ends with 0
// where everything is as it should be; prints the line of what is not.
#include <cstdio>
#include <set>
#include <vector>

#include "translate/liveness.h"
#include "translate/rip_map.h"
#include "translate/translator.h"

namespace mtetso {
namespace {

constexpr uint64_t kBase = 0x401000;

const Options kDefaults;

int g_failures = 0;

void check(bool holds, int line) {
  if (holds) return;
  ++g_failures;
  std::fprintf(stderr, "control_flow.cc:%d\n", line);
}
#define CHECK(...) check((__VA_ARGS__), __LINE__)

struct Source : CodeSource {
  explicit Source(std::vector<uint8_t> of) : bytes(std::move(of)) {}
  std::span<const uint8_t> code_at(uint64_t address) const override {
    ++asked;
    if (address < kBase || address - kBase >= bytes.size()) return {};
    return std::span(bytes).subspan(address - kBase);
  }
  std::vector<uint8_t> bytes;
  mutable size_t asked = 0;
};

TranslationUnit unit_of(const Source& source, uint64_t start = 0) {
  TranslationUnit unit;
  unit.start = kBase + start;
  unit.begin = kBase;
  unit.end = kBase + source.bytes.size();
  return unit;
}

std::set<uint64_t> entries_of(const CompiledCode& code) {
  std::set<uint64_t> found;
  for (const CompiledEntry& one : code.entries) found.insert(one.guest_rip - kBase);
  return found;
}

std::set<uint64_t> entries_of(const Options& options, const Source& source) {
  return entries_of(Translator(options, source).translate({unit_of(source)}, {}));
}

using Rips = std::set<uint64_t>;

// A block begins where something jumps to, and where a call returns; behind a jcc only where blocks
// are counted.
void beginnings() {
  const Source loop({
      0x85, 0xff,        //  0  test edi, edi
      0x74, 0x03,        //  2  je 7
      0x83, 0xc0, 0x01,  //  4  add eax, 1
      0x83, 0xef, 0x01,  //  7  sub edi, 1
      0x75, 0xfb,        // 10  jne 7
      0xc3,              // 12  ret
  });
  Options options;
  CHECK(entries_of(options, loop) == Rips{0, 7});
  options.count = true;
  CHECK(entries_of(options, loop) == Rips{0, 4, 7, 12});

  const Source calls({
      0xe8, 0xfb, 0xff, 0xff, 0xff,  //  0  call 0
      0x0f, 0xa2,                    //  5  cpuid
      0xf3, 0xa4,                    //  7  rep movsb
      0xf3, 0xa4,                    //  9  rep movsb
      0xc3,                          // 11  ret
  });
  CHECK(entries_of(kDefaults, calls) == Rips{0, 5, 7, 9});
}

// Code that is known elsewhere is not translated again from where a block begins.
void known_code() {
  const Source source({
      0x74, 0x02,  // 0  je 4
      0x90, 0x90,  // 2  nop, nop
      0x90, 0xc3,  // 4  nop, ret
  });
  const Translator translator(kDefaults, source);
  const auto made_with = [&](uint64_t known) {
    return translator.translate({unit_of(source)}, {},
                                [=](uint64_t rip) { return rip == kBase + known; });
  };
  const auto sources_with = [&](uint64_t known) {
    std::vector<uint64_t> found;
    for (const GuestExtent& one : made_with(known).sources)
      found.insert(found.end(), {one.begin - kBase, one.end - kBase});
    return found;
  };
  using Bounds = std::vector<uint64_t>;
  CHECK(entries_of(made_with(100)) == Rips{0, 4});
  CHECK(sources_with(100) == Bounds{0, 6});
  CHECK(entries_of(made_with(4)) == Rips{0});
  CHECK(sources_with(2) == Bounds{0, 2, 4, 6});
}

// Each unit has its first instruction; others are the first unit's.
void overlapping_units() {
  const Source source({0x90, 0x90, 0x90, 0xc3});
  const Translator translator(kDefaults, source);
  const auto code = translator.translate({unit_of(source), unit_of(source, 2)}, {});
  CHECK(entries_of(code) == Rips{0, 2, 3});
  CHECK(code.ranges.size() == 2);
  CHECK(code.sources.size() == 1 && code.sources[0].end == kBase + 4);
}

// Of a unit that is not wanted whole as much is found as one piece has: from anywhere in it.
void parts() {
  constexpr size_t kPart = Translator::kMaxAtOnce;
  std::vector<uint8_t> bytes(3 * kPart, 0x90);
  bytes.push_back(0xc3);
  const Source source(bytes);
  TranslationPlan plan;
  const auto extent = [&](size_t start) {
    const auto code = Translator(kDefaults, source).translate({unit_of(source, start)}, plan);
    CHECK(code.sources.size() == 1 && code.sources[0].begin == kBase + start);
    CHECK(code.entries.size() == 1 && code.entries[0].guest_rip == kBase + start);
    return code.sources[0].end - code.sources[0].begin;
  };
  CHECK(extent(0) == 3 * kPart + 1);
  plan.whole = false;
  CHECK(extent(0) == kPart);
  CHECK(extent(kPart) == kPart);
  CHECK(extent(3 * kPart) == 1);
}

// Where the poll at an entry leaves to: its TBNZ's target.
void exits_in_reach() {
  constexpr uint32_t kTestSign = 0x37f80000, kTestMask = 0xfff80000;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 20'000; ++i) {
    bytes.insert(bytes.end(), {0x48, 0x8b, 0x03});                    // mov rax, [rbx]
    if (i % 100 == 0) bytes.insert(bytes.end(), {0xe8, 0, 0, 0, 0});  // call next
  }
  bytes.push_back(0xc3);
  const Source source(bytes);
  const auto code = Translator(kDefaults, source).translate({unit_of(source)}, {});
  CHECK(code.entries.size() == 201);
  for (const CompiledEntry& entry : code.entries) {
    // ldr, sub, str, tbnz
    const uint32_t at = entry.offset / 4 + 3, word = code.words[at];
    const uint32_t to = at + (word >> 5 & 0x3fff);
    CHECK((word & kTestMask) == kTestSign);
    // A MOVZ of x17.
    CHECK(to > at && to < code.words.size() && (code.words[to] & 0xff80001f) == 0xd2800011);
    if (g_failures != 0) return;
  }
  CHECK(source.asked < 100);  // not once an instruction
}

std::vector<GuestInstruction> backwards(uint64_t count) {
  std::vector<GuestInstruction> all(count);
  for (uint64_t i = 0; i < count; ++i) {
    all[i].rip = kBase + i;
    all[i].length = 1;
    all[i].flow = Flow::Jump;
    all[i].op[0].immediate = kBase + (i == 0 ? 0 : i - 1);
  }
  all[0].lazy_read = lazy_flag::kParity;
  return all;
}

void solve(std::vector<GuestInstruction>& all) {
  std::vector<GuestInstruction*> sorted;
  for (GuestInstruction& one : all) sorted.push_back(&one);
  find_live_flags(sorted);
}

// Flags are live as far back as they are read, however often the way jumps back; where it does that
// too often, all of them.
void live_flags() {
  auto few = backwards(10), many = backwards(1000);
  solve(few);
  solve(many);
  CHECK(few[9].lazy_live == lazy_flag::kParity);
  CHECK(few[1].lazy_live == lazy_flag::kParity);
  CHECK(many[999].lazy_live == lazy_flag::kAll);
  // It is written before it is read.
  auto written = backwards(10);
  written[5].lazy_written = lazy_flag::kParity;
  solve(written);
  CHECK(written[5].lazy_live == lazy_flag::kParity);
  CHECK(written[6].lazy_live == 0);
  // Out of what is known.
  written[9].op[0].immediate = 1;
  solve(written);
  CHECK(written[9].lazy_live == lazy_flag::kAll);
}

void many_addresses() {
  RipMap<uint64_t> map;
  constexpr uint64_t kCount = 100'000;
  for (uint64_t i = 0; i < kCount; ++i) map[i << 12] = i;
  bool all = true;
  for (uint64_t i = 0; i < kCount; ++i) {
    const uint64_t* found = map.find(i << 12);
    all = all && found != nullptr && *found == i;
  }
  CHECK(all);
  CHECK(!map.contains(1));
  CHECK(map[1] == 0 && map.contains(1));
}

}  // namespace
}  // namespace mtetso

int main() {
  mtetso::beginnings();
  mtetso::parts();
  mtetso::known_code();
  mtetso::overlapping_units();
  mtetso::exits_in_reach();
  mtetso::live_flags();
  mtetso::many_addresses();
  return mtetso::g_failures == 0 ? 0 : 1;
}
