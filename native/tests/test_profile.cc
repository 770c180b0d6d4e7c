// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "code/code.h"
#include "debug/arena.h"
#include "memory/barriers.h"
#include "profile/profile.h"
#include "samples.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;

Profile sample_profile() {
  ProgramProfile program{"copy.elf", "/opt/copy.elf", {"00ff", 0x12'0000'0001}, {}};
  program.add({0x401000, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 1, false, 7});
  program.add({0x401000, 1}, {MTEDBG_Access_Store, 8, kShared, 9, 10, true, UINT64_MAX});
  program.add({0xffff'ffff'ffff'0020, 0},
              {MTEDBG_Access_ReadModifyWrite, 16, kShared, 1, 1, false, std::nullopt});
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
  CHECK(after.programs[0].path == before.programs[0].path);
  CHECK(after.programs[0].identity.digest == before.programs[0].identity.digest);
  CHECK(after.programs[0].identity.build_id == before.programs[0].identity.build_id);
  CHECK(after.programs[0].memops == before.programs[0].memops);
  CHECK(after.programs[0].checksum() == before.programs[0].checksum());
  const uint64_t digest = before.programs[0].identity.digest;
  CHECK(after.find({"00ff", digest}) == &after.programs[0]);
  CHECK(after.find({"", digest}) == &after.programs[0]);
  CHECK(after.find({"", 1}) == nullptr);
  CHECK(after.find({"01ff", digest}) == nullptr);
}

TEST_CASE("profiles of version 1 stay readable: nothing was counted then") {
  const Profile old = parse_profile(
      R"({"kind": "mtedbg-profile", "version": 1, "programs": [
          {"name": "a", "digest": "0x5", "memops": [
           {"rip": "0x10", "ordinal": 0, "access": "load", "size": 8, "mode": "shared",
            "flips": 1, "faults": 2, "pinned": false}]}]})");
  const MemopRecord record = old.find({"", 5})->memops.at({0x10, 0});
  CHECK(record.faults == 2);
  CHECK_FALSE(record.executions);
}

TEST_CASE("what needs order, what does not, and what nobody knows") {
  const uint32_t load = MTEDBG_Access_Load, either = MTEDBG_Mode_Either;
  CHECK(need_of({load, 8, kShared, 0, 0, false, 0}) == Need::Never);
  CHECK(need_of({load, 8, kLocal, 0, 0, false, 0}) == Need::Never);
  CHECK(need_of({load, 8, kLocal, 0, 0, false, 3}) == Need::Local);
  CHECK(need_of({load, 8, kShared, 0, 0, false, 3}) == Need::Order);
  CHECK(need_of({load, 8, kLocal, 0, 1, false, 3}) == Need::Order);
  CHECK(need_of({load, 8, either, 0, 0, false, 3}) == Need::Unknown);
  CHECK(need_of({load, 8, either, 2, 2, false, 3}) == Need::Order);
  CHECK(need_of({load, 8, kLocal, 0, 0, false, std::nullopt}) == Need::Unknown);
}

TEST_CASE("a summary counts accesses, not instructions") {
  ProgramProfile program{"a", "", {"", 1}, {}};
  program.add({0x10, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 0, false, 999});
  program.add({0x14, 0}, {MTEDBG_Access_Load, 8, kShared, 1, 1, false, 1});
  program.add({0x14, 1}, {MTEDBG_Access_Store, 8, kShared, 1, 1, false, 1});
  program.add({0x18, 0}, {MTEDBG_Access_Load, 8, kShared, 0, 0, false, 0});
  CHECK(summary({{program}}) ==
        "of 1001 executed accesses 99.8 % touched memory of one owner only; 1 instruction needs "
        "order");
}

TEST_CASE("a summary of what did not run promises nothing") {
  const std::string nothing = "no access was executed: whether order is needed is not known";
  ProgramProfile program{"a", "", {"", 1}, {}};
  CHECK(summary({}) == nothing);
  program.add({0x10, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 0, false, 0});
  CHECK(summary({{program}}) == nothing);
  // As in a child, of what its parent met.
  program.add({0x14, 0}, {MTEDBG_Access_Load, 8, kShared, 1, 1, false, 0});
  CHECK(summary({{program}}) == "no access was executed; 1 instruction needs order");
}

TEST_CASE("why a profile has nothing for a program") {
  const ModuleIdentity with_id{"7ebc65e01234", 0x10}, without{"", 0x11};
  const auto of = [](const char* name, const char* id, uint64_t digest) {
    return ProgramProfile{name, "", {id, digest}, {}};
  };
  CHECK(why_nothing({}, "a", with_id) == "it is of no program");
  const Profile many{
      {of("b", "", 2), of("libc.so.6", "01", 3), of("b", "02", 4), of("c", "", 5), of("d", "", 6)}};
  CHECK(why_nothing(many, "a", with_id) ==
        "nothing in it is of a: it is of b, libc.so.6, c and 1 more");
  const Profile builds{{of("a", "14f2853fffff", 2), of("b", "", 3), of("a", "9", 4)}};
  CHECK(why_nothing(builds, "a", with_id) ==
        "its a has build id 14f2853…, 9, this one has 7ebc65e…");
  // A side without a build id is known by its code.
  CHECK(why_nothing(builds, "a", without) == "its a has code digest 0x2, 0x4, this one has 0x11");
  CHECK(why_nothing({{of("a", "", 2)}}, "a", with_id) ==
        "its a has code digest 0x2, this one has 0x10");
}

TEST_CASE("programs come together by their identity") {
  ProgramProfile one{"a", "", {"", 1}, {}}, other{"b", "", {"", 2}, {}};
  one.add({0x10, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 0, false, 2});
  other.add({0x10, 0}, {MTEDBG_Access_Load, 8, kLocal, 0, 0, false, std::nullopt});
  ProgramProfile changing{"c", "", {"", 0}, {}};
  Profile all;
  for (const ProgramProfile* program : {&one, &other, &one, &changing, &changing})
    all.add(*program);
  REQUIRE(all.programs.size() == 4);
  CHECK(all.programs[0].memops.at({0x10, 0}).executions == 4u);
  CHECK_FALSE(all.programs[1].memops.at({0x10, 0}).executions);
}

TEST_CASE("damage is named without the words of a library") {
  for (const char* text : {"{}", "", "[", R"({"kind": "mtedbg-profile", "version": 2})"}) {
    try {
      parse_profile(text);
      FAIL("it was read");
    } catch (const StatusError& error) {
      CHECK(std::string(error.what()).starts_with("the profile is malformed: "));
      CHECK(std::string(error.what()).find("json.exception") == std::string::npos);
    }
  }
}

TEST_CASE("damage is refused in words") {
  const std::string good = profile_text(sample_profile());
  CHECK_FALSE(refused(good));
  CHECK(refused(""));
  CHECK(refused("[]"));
  CHECK(refused("{}"));
  CHECK(refused(with(good, "mtedbg-profile", "other")));
  CHECK(refused(with(good, "\"version\": 2", "\"version\": 3")));
  CHECK(refused(with(good, "0x401000", "401000")));
  CHECK(refused(with(good, "0x401000", "0x40100g")));
  CHECK(refused(with(good, "0x401000", "0x")));
  CHECK(refused(with(good, "\"local\"", "\"remote\"")));
  CHECK(refused(with(good, "\"rmw\"", "7")));
  CHECK(refused(with(good, "\"ordinal\": 0", "\"ordinal\": \"0\"")));
  for (size_t length = 0; length + 2 < good.size(); length += 7)
    CHECK(refused(good.substr(0, length)));
}

TEST_CASE("a file is replaced by a whole one, and a link leads to it still") {
  const auto folder = std::filesystem::temp_directory_path() / "mtetso-test-profile";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "file.json");
  std::filesystem::create_symlink("file.json", folder / "link.json");
  for (int i = 0; i < 2; ++i) write_profile(sample_profile(), folder / "link.json");
  CHECK(std::filesystem::is_symlink(folder / "link.json"));
  CHECK(read_profile(folder / "file.json").programs.size() == 1);
  CHECK_NOTHROW(write_profile(sample_profile(), "/dev/null"));
  CHECK(std::filesystem::is_character_file(std::filesystem::path("/dev/null")));
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    CHECK(entry.path().extension() == ".json");
  std::filesystem::remove_all(folder);
}

TEST_CASE("names that are no UTF-8 are written all the same") {
  Profile profile = sample_profile();
  profile.programs[0].name = "caf\xe9";
  CHECK(parse_profile(profile_text(profile)).programs[0].name == "caf\xef\xbf\xbd");
}

TEST_CASE("processes of one id, as containers have, leave whole files") {
  constexpr uint64_t kMany = 20'000;  // it takes a while to write them
  const auto folder = std::filesystem::temp_directory_path() / "mtetso-test-same-id";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string file = folder / "file.json";
  Profile longer = sample_profile();
  for (uint64_t rip = 0; rip < kMany; ++rip)
    longer.programs[0].add(MemopKey{rip, 0},
                           {MTEDBG_Access_Load, 8, kLocal, 0, 0, false, std::nullopt});
  std::atomic<int> failures = 0;
  const auto write = [&] {
    for (int i = 0; i < 12; ++i) {
      try {
        write_profile(longer, file);
      } catch (const StatusError&) {
        ++failures;
      }
    }
  };
  std::thread one(write), other(write);
  one.join();
  other.join();
  CHECK(failures == 0);
  CHECK(read_profile(file).programs[0].memops.size() == kMany + 3);
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a full disk leaves the older profile, and nothing else") {
  const auto folder = std::filesystem::temp_directory_path() / "mtetso-test-full";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string file = folder / "file.json";
  write_profile(sample_profile(), file);
  Profile longer = sample_profile();
  for (uint64_t rip = 0; rip < 1000; ++rip) longer.programs[0].add(MemopKey{rip, 0}, MemopRecord{});
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit little = {4096, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &little) == 0);
  std::string said;
  try {
    write_profile(longer, file);
  } catch (const StatusError& error) {
    said = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(said == "cannot write the profile " + file + ": File too large; the older one stays");
  CHECK(read_profile(file).programs[0].memops.size() == 3);
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a pipe that nobody reads does not end the process") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string name = "/proc/self/fd/" + std::to_string(ends[1]);
  close(ends[0]);
  CHECK_THROWS_AS(write_profile(sample_profile(), name), StatusError);
  close(ends[1]);
}

TEST_CASE("whether a file can be written is known before, and changes nothing") {
  const auto folder = std::filesystem::temp_directory_path() / "mtetso-test-check";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  CHECK_NOTHROW(check_can_write(folder / "file.json"));
  CHECK(std::filesystem::is_empty(folder));
  std::ofstream(folder / "file.json") << "kept";
  CHECK_NOTHROW(check_can_write(folder / "file.json"));
  CHECK(std::filesystem::file_size(folder / "file.json") == 4);
  CHECK_NOTHROW(check_can_write("/dev/full"));
  CHECK_THROWS_AS(check_can_write(folder), StatusError);
  CHECK_THROWS_AS(check_can_write("/nonexistent/profile.json"), StatusError);
  CHECK_THROWS_AS(check_can_write("/proc/profile.json"), StatusError);
  std::filesystem::remove_all(folder);
}

TEST_CASE("files that cannot be read or written") {
  CHECK_THROWS_AS(read_profile("/nonexistent/profile.json"), StatusError);
  CHECK_THROWS_AS(write_profile(sample_profile(), "/nonexistent/profile.json"), StatusError);
  CHECK_THROWS_AS(write_profile(sample_profile(), "/dev/full"), StatusError);
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
  uint64_t counter = 3;
  for (const CodeBlock* block : {one, other}) block->memops[0].counter = address_of(&counter);
  ProgramProfile profile;
  profile.add(*one);
  profile.add(*other);
  CHECK(profile.memops.at({0x401003, 0}).executions == 6u);
  CHECK_FALSE(profile.memops.at({0x401003, 1}).executions);
  ProgramProfile moved;
  moved.add(*one, 0x400000);
  CHECK(moved.memops.contains({0x1003, 1}));
  CHECK(profile.memops.size() == 2);
  CHECK(profile.advice({0x401003, 0}).mode == kLocal);
  CHECK(profile.advice({0x401003, 0}).pinned);
  CHECK(profile.advice({0x401003, 1}).mode == kShared);
  CHECK(profile.memops.at({0x401003, 1}).flips == 5);
  CHECK(profile.advice({0x401003, 2}).mode == 0);
}

}  // namespace mtetso
