// SPDX-License-Identifier: MIT
//
// Which thread runs next in lockstep: a pure function of the text, the seed and the threads that
// can run.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mtetso {

// One turn: `thread` (ids from 1) on `core` (a number from 0, not an id) until `polls` polls have
// passed.
struct Slice {
  uint64_t thread = 0;
  uint32_t core = 0;
  uint32_t polls = 0;
};

class Schedule {
 public:
  static constexpr uint32_t kMaxCores = 64;
  static constexpr uint32_t kMaxPolls = 1u << 30;
  static constexpr uint32_t kRoundRobinPolls = 64;
  static constexpr uint32_t kRandomPolls = 16;  // longest slice of a seeded schedule

  // A thread that can run, and the core it was on last.
  struct Runnable {
    uint64_t thread = 0;
    uint32_t core = 0;
  };

  // "" round-robin; "seed:N" pseudo-random; "T@C*N,…" as written, then round-robin.
  // C is a core's id, counted from `first_core`. Throws StatusError(Usage).
  static Schedule parse(std::string_view text, uint32_t first_core);

  // `cores`: how many a seeded schedule spreads threads over. `runnable`: not empty, sorted by
  // thread. Written turns of threads that cannot run are skipped.
  Slice next(std::span<const Runnable> runnable, uint32_t cores);

  // Whether the next turn, and all further ones, go round.
  bool goes_round() const { return !seeded_ && at_ == written_.size(); }

  // The highest core number in a written schedule; 0 if it has none.
  uint32_t highest_core() const;

 private:
  Slice round_robin(std::span<const Runnable> runnable);
  uint64_t random();

  std::vector<Slice> written_;
  size_t at_ = 0;
  bool seeded_ = false;
  uint64_t state_ = 0;
  uint64_t last_thread_ = 0;
};

}  // namespace mtetso
