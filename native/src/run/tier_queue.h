// SPDX-License-Identifier: MIT
//
// Where and when optimised code is compiled: each request at once on the requesting thread, or one
// after the other on a thread of the compiler's own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "run/program.h"

namespace mtetso {

class TierQueue {
 public:
  static constexpr uint32_t kWhole = CompiledRange::kNoFunction;  // all functions

  // `background`: on a thread of its own, which runs as long as the process.
  explicit TierQueue(bool background) : background_(background) {}
  TierQueue(const TierQueue&) = delete;
  TierQueue& operator=(const TierQueue&) = delete;

  // Requests optimised code of `function` (or kWhole) unless it was requested already or exists.
  // `done` is called with the success.
  void request(Program& program, uint32_t function, std::function<void(bool)> done);

  // Drops all requests for a program; when it returns none of its code is being compiled.
  void drop(const Program& program);

  // In a child process, whose only thread this is.
  void after_fork();

 private:
  struct Request {
    Program* program;
    uint32_t function;
    std::function<void(bool)> done;
  };

  static void compile(const Request& request);
  void work();

  const bool background_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  bool working_ = false;  // the compiler has its thread
  const Program* at_work_ = nullptr;
};

}  // namespace mtetso
