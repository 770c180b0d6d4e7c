// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "run/schedule.h"
#include "status.h"

namespace mtetso {
namespace {

using Runnable = Schedule::Runnable;

bool refused(std::string_view text, uint32_t first_core) {
  try {
    Schedule::parse(text, first_core);
  } catch (const StatusError& error) {
    return error.status() == Status::Usage;
  }
  return false;
}

bool is(const Slice& slice, uint64_t thread, uint32_t core, uint32_t polls) {
  return slice.thread == thread && slice.core == core && slice.polls == polls;
}

std::vector<Slice> turns(const char* text, size_t count) {
  auto schedule = Schedule::parse(text, 1);
  std::vector<Runnable> all{{1, 0}, {2, 1}, {3, 0}};
  std::vector<Slice> taken;
  for (size_t i = 0; i < count; ++i) taken.push_back(schedule.next(all, 4));
  return taken;
}

TEST_CASE("turns are taken as written, then in a circle on the last cores") {
  auto schedule = Schedule::parse("1@2*7,2@1*5", 1);
  std::vector<Runnable> all{{1, 0}, {2, 1}, {3, 2}};
  CHECK(is(schedule.next(all, 4), 1, 1, 7));
  CHECK(is(schedule.next(all, 4), 2, 0, 5));
  CHECK(is(schedule.next(all, 4), 3, 2, Schedule::kRoundRobinPolls));
  CHECK(is(schedule.next(all, 4), 1, 0, Schedule::kRoundRobinPolls));
}

TEST_CASE("core ids start where the convention says") {
  std::vector<Runnable> one{{1, 0}};
  CHECK(is(Schedule::parse("1@3*1", 0).next(one, 1), 1, 3, 1));
  CHECK(is(Schedule::parse("1@3*1", 1).next(one, 1), 1, 2, 1));
  CHECK(refused("1@0*1", 1));
  CHECK_FALSE(refused("1@0*1", 0));
  CHECK(Schedule::parse("1@16*1,1@3*1", 1).highest_core() == 15);
}

TEST_CASE("turns of threads that cannot run are passed over") {
  auto schedule = Schedule::parse("3@1*9,2@1*9,1@1*9", 1);
  std::vector<Runnable> some{{1, 0}, {4, 0}};
  CHECK(is(schedule.next(some, 4), 1, 0, 9));
  CHECK(schedule.next(some, 4).thread == 4);
}

TEST_CASE("a seed repeats, reaches every thread, core and length, and nothing else") {
  auto first = turns("seed:7", 2000), again = turns("seed:7", 2000), other = turns("seed:8", 2000);
  std::set<uint64_t> threads, cores, lengths;
  size_t same = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(is(again[i], first[i].thread, first[i].core, first[i].polls));
    same += is(other[i], first[i].thread, first[i].core, first[i].polls);
    threads.insert(first[i].thread);
    cores.insert(first[i].core);
    lengths.insert(first[i].polls);
  }
  CHECK(same < first.size() / 10);
  CHECK(threads == std::set<uint64_t>{1, 2, 3});
  CHECK(cores == std::set<uint64_t>{0, 1, 2, 3});
  CHECK(lengths.size() == Schedule::kRandomPolls);
  CHECK(*lengths.begin() == 1);
}

TEST_CASE("a text that is not a schedule is rejected") {
  for (const char* text :
       {"x", "1", "1@", "1@1", "1@1*", "1@1*0", "0@1*1", "1@65*1", "1@1*1,", "1@1*1;2@1*1",
        "1@1*99999999999", "-1@1*1", " 1@1*1", "seed:", "seed:-1", "seed:1x", "seed"})
    CHECK_MESSAGE(refused(text, 1), text);
}

}  // namespace
}  // namespace mtetso
