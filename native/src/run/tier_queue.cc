// SPDX-License-Identifier: MIT

#include "run/tier_queue.h"

#include <thread>
#include <utility>

#include "debug/points.h"

namespace mtetso {

void TierQueue::compile(const Request& request) {
  Program& program = *request.program;
  request.done(request.function == kWhole ? program.optimise_all()
                                          : program.optimise(request.function));
}

void TierQueue::request(Program& program, uint32_t function, std::function<void(bool)> done) {
  if (!program.request(function)) return;
  point(Point::TierRequested);
  Request request{&program, function, std::move(done)};
  if (!background_) return compile(request);
  std::scoped_lock hold(lock_);
  waiting_.push_back(std::move(request));
  // The compiler's thread is started by the first request.
  if (!std::exchange(working_, true)) std::thread([this] { work(); }).detach();
  changed_.notify_all();
}

void TierQueue::drop(const Program& program) {
  std::unique_lock hold(lock_);
  std::erase_if(waiting_, [&](const Request& one) { return one.program == &program; });
  changed_.wait(hold, [&] { return at_work_ != &program; });
}

void TierQueue::work() {
  std::unique_lock hold(lock_);
  for (;;) {
    changed_.wait(hold, [&] { return !waiting_.empty(); });
    const Request request = std::move(waiting_.front());
    waiting_.pop_front();
    at_work_ = request.program;
    hold.unlock();
    compile(request);
    hold.lock();
    at_work_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace mtetso
