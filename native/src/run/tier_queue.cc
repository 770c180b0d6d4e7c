// SPDX-License-Identifier: MIT

#include "run/tier_queue.h"

#include <new>
#include <thread>
#include <utility>

#include "debug/points.h"
#include "memory/signals.h"
#include "run/fork_gate.h"

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

// Its thread is not in the child. The condition still counts it among those that wait: it is made
// anew.
void TierQueue::after_fork() {
  working_ = false;
  new (&changed_) std::condition_variable;
}

// The compiler's thread takes no signals: they are the guest's. It forks nothing and must not be in
// the middle of something when another thread does.
void TierQueue::work() {
  const SignalsHeld held;
  std::unique_lock hold(lock_);
  for (;;) {
    changed_.wait(hold, [&] { return !waiting_.empty(); });
    hold.unlock();
    {
      const InRuntime inside;
      hold.lock();
      if (waiting_.empty()) continue;
      const Request request = std::move(waiting_.front());
      waiting_.pop_front();
      at_work_ = request.program;
      hold.unlock();
      compile(request);
      hold.lock();
      at_work_ = nullptr;
      changed_.notify_all();
      hold.unlock();
    }
    hold.lock();
  }
}

}  // namespace mtetso
