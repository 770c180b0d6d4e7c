// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "code/code.h"
#include "memory/barriers.h"
#include "profile/profile.h"
#include "samples.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;

Profile sample_profile() {
  ProgramProfile program{"copy.elf", 0x12'0000'0001, {}};
  program.add({0x401000, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 1, false});
  program.add({0x401000, 1}, {MTEDBG_Access_Store, 8, kShared, 9, 10, true});
  program.add({0xffff'ffff'ffff'0020, 0},
              {MTEDBG_Access_ReadModifyWrite, 16, kShared, 1, 1, false});
  return {{program}};
}

bool refused(const std::string& text) {
  try {
    parse_profile(text);
  } catch (const StatusError& error) {
    return error.status() == Status::Malformed;
  }
  return false;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("what is written is read back") {
  const Profile before = sample_profile();
  const Profile after = parse_profile(profile_text(before));
  REQUIRE(after.programs.size() == 1);
  CHECK(after.programs[0].name == before.programs[0].name);
  CHECK(after.programs[0].digest == before.programs[0].digest);
  CHECK(after.programs[0].memops == before.programs[0].memops);
  CHECK(after.programs[0].checksum() == before.programs[0].checksum());
  CHECK(after.find(before.programs[0].digest) == &after.programs[0]);
  CHECK(after.find(1) == nullptr);
}

TEST_CASE("damage is refused in words") {
  const std::string good = profile_text(sample_profile());
  CHECK_FALSE(refused(good));
  CHECK(refused(""));
  CHECK(refused("[]"));
  CHECK(refused("{}"));
  CHECK(refused(with(good, "mtedbg-profile", "other")));
  CHECK(refused(with(good, "\"version\": 1", "\"version\": 2")));
  CHECK(refused(with(good, "0x401000", "401000")));
  CHECK(refused(with(good, "0x401000", "0x40100g")));
  CHECK(refused(with(good, "0x401000", "0x")));
  CHECK(refused(with(good, "\"local\"", "\"remote\"")));
  CHECK(refused(with(good, "\"rmw\"", "7")));
  CHECK(refused(with(good, "\"ordinal\": 0", "\"ordinal\": \"0\"")));
  for (size_t length = 0; length + 2 < good.size(); length += 7)
    CHECK(refused(good.substr(0, length)));
}

TEST_CASE("files that cannot be read or written") {
  CHECK_THROWS_AS(read_profile("/nonexistent/profile.json"), StatusError);
  CHECK_THROWS_AS(write_profile(sample_profile(), "/nonexistent/profile.json"), StatusError);
}

TEST_CASE("advice, and what of several blocks comes together") {
  REQUIRE(register_barriers());
  Code code;
  CompiledCode twice = sample::code(CompiledRange::kNoFunction, 0x401000);
  twice.words[4] = tag_word(kLocal, 0);
  twice.words[5] = sample::kLoad;
  twice.ranges.pop_back();
  twice.memops.push_back({16, 20, 0x401003, MTEDBG_Access_Load, 8, kLocal, 0});
  CompiledCode same = twice;
  const CodeBlock* one =
      code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(twice));
  const CodeBlock* other =
      code.commit(MTEDBG_BlockKind_OptimizedTier, MTEDBG_Tier_Optimized, std::move(same));
  one->memops[1].mode = kShared;
  one->memops[1].flips = 2;
  other->memops[1].flips = 3;
  other->memops[0].pinned = 1;
  ProgramProfile profile;
  profile.add(*one);
  profile.add(*other);
  CHECK(profile.memops.size() == 2);
  CHECK(profile.advice({0x401003, 0}).mode == kLocal);
  CHECK(profile.advice({0x401003, 0}).pinned);
  CHECK(profile.advice({0x401003, 1}).mode == kShared);
  CHECK(profile.memops.at({0x401003, 1}).flips == 5);
  CHECK(profile.advice({0x401003, 2}).mode == 0);
}

}  // namespace mtetso
