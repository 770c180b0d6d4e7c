// SPDX-License-Identifier: MIT

#include "run/schedule.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "status.h"

namespace mtetso {
namespace {

constexpr size_t kMaxSlices = 1u << 20;

[[noreturn]] void bad(std::string_view text, const char* why) {
  throw StatusError(Status::Usage, "bad schedule at '" + std::string(text.substr(0, 40)) +
                                       "': " + why + " (T@C*N,… or seed:N)");
}

// Takes a number in [low, high] from the front of `text`.
uint64_t take(std::string_view& text, uint64_t low, uint64_t high, const char* what) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < low || value > high) bad(text, what);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

void expect(std::string_view& text, char c, const char* what) {
  if (text.empty() || text[0] != c) bad(text, what);
  text.remove_prefix(1);
}

}  // namespace

Schedule Schedule::parse(std::string_view text, uint32_t first_core) {
  Schedule schedule;
  constexpr std::string_view kSeed = "seed:";
  if (text.starts_with(kSeed)) {
    text.remove_prefix(kSeed.size());
    schedule.seeded_ = true;
    schedule.state_ = take(text, 0, UINT64_MAX, "a seed is a number");
    if (!text.empty()) bad(text, "there is text after the seed");
    return schedule;
  }
  std::string cores = "cores are " + std::to_string(first_core) + " to " +
                      std::to_string(first_core + kMaxCores - 1) + " with this --shared-tag";
  while (!text.empty()) {
    Slice slice;
    slice.thread = take(text, 1, UINT32_MAX, "thread numbers start at 1");
    expect(text, '@', "a thread is followed by '@' and a core");
    uint64_t id = take(text, first_core, first_core + kMaxCores - 1, cores.c_str());
    slice.core = static_cast<uint32_t>(id - first_core);
    expect(text, '*', "a core is followed by '*' and a number of polls");
    slice.polls = static_cast<uint32_t>(take(text, 1, kMaxPolls, "polls are 1 to 2^30"));
    if (schedule.written_.size() == kMaxSlices) bad(text, "too many turns");
    schedule.written_.push_back(slice);
    if (text.empty()) break;
    expect(text, ',', "turns are separated by ','");
    if (text.empty()) bad(text, "there is no turn after the last ','");
  }
  return schedule;
}

uint32_t Schedule::highest_core() const {
  uint32_t highest = 0;
  for (const auto& slice : written_) highest = std::max(highest, slice.core);
  return highest;
}

// SplitMix64 (Steele, Lea, Flood 2014): the same everywhere, unlike the standard distributions.
uint64_t Schedule::random() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Slice Schedule::next(std::span<const Runnable> runnable, uint32_t cores) {
  if (seeded_) {
    const auto& chosen = runnable[random() % runnable.size()];
    uint32_t core = static_cast<uint32_t>(random() % cores);
    return {chosen.thread, core, 1 + static_cast<uint32_t>(random() % kRandomPolls)};
  }
  while (at_ < written_.size()) {
    const auto& slice = written_[at_++];
    bool can = std::any_of(runnable.begin(), runnable.end(),
                           [&](const auto& r) { return r.thread == slice.thread; });
    if (can) {
      last_thread_ = slice.thread;
      return slice;
    }
  }
  return round_robin(runnable);
}

Slice Schedule::round_robin(std::span<const Runnable> runnable) {
  auto chosen = std::find_if(runnable.begin(), runnable.end(),
                             [&](const auto& r) { return r.thread > last_thread_; });
  if (chosen == runnable.end()) chosen = runnable.begin();
  last_thread_ = chosen->thread;
  return {chosen->thread, chosen->core, kRoundRobinPolls};
}

}  // namespace mtetso
