// SPDX-License-Identifier: MIT
//
// Patch against patch, against retirement, against the host's accesses, and against threads that
// stand where they like: each race held at a named point (debug/points.h), and all of them at once.
#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "code/block_map.h"
#include "debug/points.h"
#include "fault_world.h"

namespace mtetso {
namespace {

// Holds one thread at a point until it is let go; other threads pass.
class Gate {
 public:
  explicit Gate(Point at) : at_(at) {
    g_gate = this;
    set_point_hook([](Point now) { g_gate->pass(now); });
  }
  ~Gate() { set_point_hook(nullptr); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // In the thread that is to be held.
  void take_me() { held_ = std::this_thread::get_id(); }
  void wait() {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [&] { return there_; });
  }
  void open() {
    const std::scoped_lock lock(lock_);
    open_ = true;
    changed_.notify_all();
  }
  uint32_t visits(Point at) const { return visits_[static_cast<size_t>(at)].load(); }

 private:
  void pass(Point now) {
    ++visits_[static_cast<size_t>(now)];
    std::unique_lock lock(lock_);
    if (now != at_ || std::this_thread::get_id() != held_) return;
    there_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }

  static inline Gate* g_gate = nullptr;
  const Point at_;
  std::thread::id held_;
  std::mutex lock_;
  std::condition_variable changed_;
  bool there_ = false, open_ = false;
  std::array<std::atomic<uint32_t>, static_cast<size_t>(Point::Count)> visits_{};
};

// One thread of `body`, held at `at`; then `meanwhile`; then it goes on.
template <typename Body, typename Meanwhile>
void held_at(Gate& gate, const Body& body, const Meanwhile& meanwhile) {
  std::thread held([&] {
    gate.take_me();
    body();
  });
  gate.wait();
  meanwhile();
  gate.open();
  held.join();
}

bool words_are(const CodeBlock* block, uint32_t access, uint32_t mode) {
  return words(block)[0] == tag_word(mode, 0) && words(block)[1] == *access_word_in(access, mode);
}

}  // namespace

TEST_CASE("a fault in the middle of another thread's patch of the same memop") {
  for (const Point at : {Point::PatchJournal, Point::PatchRetag, Point::PatchHalf, Point::PatchMode,
                         Point::PatchWords}) {
    World world(MTEDBG_Policy_Sticky);
    Actor first(world, 2, kMine), second(world, 3, kMine + 1);
    const CodeBlock* block = world.make(kLoad, kLocal);
    const uint64_t memory = world.memory.allocate(16, kOther);
    Gate gate(at);
    std::thread other;
    held_at(
        gate, [&] { first.fault(block, memory); },
        [&] {
          other = std::thread([&] { second.fault(block, memory); });
          // It is in the handler, and gets no further than to the lock.
          while (std::atomic_ref(second.frame->state).load() != MTEDBG_ThreadState_Fault) {
          }
          CHECK(gate.visits(Point::PatchLocked) == 1);
          CHECK(debug_root().lock->thread == 2);
        });
    other.join();
    CHECK(gate.visits(Point::PatchUnlocked) == 2);
    CHECK(block->memops[0].flips == 1);  // the second read everything again, and only retried
    CHECK(block->memops[0].faults == 2);
    CHECK(words_are(block, kLoad, kShared));
    CHECK(read_tag(memory) == 0);
    CHECK(second.pc == block->base());
  }
}

TEST_CASE("patches of two memops on one granule come one after the other") {
  World world(MTEDBG_Policy_Sticky);
  Actor owner(world, 2, kMine), other(world, 3, kOther);
  const CodeBlock* ours = world.make(kLoad, kShared);
  const CodeBlock* theirs = world.make(kStore, kLocal);
  const uint64_t memory = world.memory.allocate(16, kMine);
  Gate gate(Point::PatchRetag);
  std::thread second;
  held_at(
      gate, [&] { owner.fault(ours, memory); },
      [&] {
        CHECK(read_tag(memory) == world.protocol.tags().guard);  // no access passes
        second = std::thread([&] { other.fault(theirs, memory); });
      });
  second.join();
  CHECK(read_tag(memory) == 0);
  CHECK(ours->memops[0].mode == kShared);
  CHECK(theirs->memops[0].mode == kShared);
  CHECK(gate.visits(Point::PatchRetag) == 1);  // it was shared when the second got the lock
}

TEST_CASE("a block is retired in the middle of a patch in it") {
  World world(MTEDBG_Policy_Sticky);
  Actor thread(world, 2, kMine);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t memory = world.memory.allocate(16, 0);
  Gate gate(Point::PatchHalf);
  held_at(
      gate, [&] { thread.fault(block, memory); },
      [&] { world.code.retire(block, "replaced"); });  // waits for no patch
  CHECK(words_are(block, kLoad, kShared));
  CHECK(block->memops[0].mode == kShared);
  CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
}

TEST_CASE("nobody claims what the host accesses, to the end of its access") {
  World world(MTEDBG_Policy_Sticky, 1000, 0, /*claim=*/1);
  Actor thread(world, 2, kMine);
  const CodeBlock* block = world.make(kLoad, kLocal);
  block->memops[0].faults = 1;
  const uint64_t memory = world.memory.allocate(16, 0);
  std::atomic<bool> in_handler{false};
  std::thread claims;
  world.protocol.while_guarded(nullptr, memory, 16, [&] {
    claims = std::thread([&] {
      in_handler = true;
      thread.fault(block, memory);
    });
    while (std::atomic_ref(thread.frame->state).load() != MTEDBG_ThreadState_Fault) {
    }
    CHECK(read_tag(memory) == 0);
  });
  claims.join();
  CHECK(read_tag(memory) == kMine);
}

TEST_CASE("no memop is weakened while a thread may be between its words") {
  World world(MTEDBG_Policy_Sticky, 1000, 0, /*claim=*/1, 0, Quiescence::How::Polls);
  Actor weakens(world, 2, kMine), runs(world, 3, kOther);
  const CodeBlock* block = world.make(kLoad, kShared);
  block->memops[0].faults = 1;
  const uint64_t memory = world.memory.allocate(16, kMine);
  std::atomic_ref state(runs.frame->state);
  std::atomic_ref budget(runs.budget);
  state = MTEDBG_ThreadState_Jit;
  Gate gate(Point::PatchMode);

  SUBCASE("it does not come out: the memory becomes shared instead") {
    held_at(
        gate, [&] { weakens.fault(block, memory); }, [] {});
    CHECK(words_are(block, kLoad, kShared));
    CHECK(block->memops[0].mode == kShared);
    CHECK(block->memops[0].flips == 0);
    CHECK(read_tag(memory) == 0);
  }
  SUBCASE("it is asked to stop, which is not a poll") {
    held_at(
        gate, [&] { weakens.fault(block, memory); }, [&] { budget = 0; });
    CHECK(block->memops[0].mode == kShared);
  }
  SUBCASE("it reaches a poll") {
    std::atomic<bool> done{false};
    std::thread polls([&] {
      while (!done)
        if (--budget < 2) budget = 1000;
    });
    // On a busy machine the other thread may not run in time: then another memop has its turn.
    uint64_t its_memory = memory;
    weakens.fault(block, its_memory);
    for (int turn = 0; turn < 100 && block->memops[0].mode != kLocal; ++turn) {
      block = world.make(kLoad, kShared);
      block->memops[0].faults = 1;
      its_memory = world.memory.allocate(16, kMine);
      weakens.fault(block, its_memory);
    }
    done = true;
    polls.join();
    CHECK(words_are(block, kLoad, kLocal));
    CHECK(read_tag(its_memory) == kMine);
  }
  SUBCASE("it leaves") {
    held_at(
        gate, [&] { weakens.fault(block, memory); },
        [&] { state = MTEDBG_ThreadState_Dispatcher; });
    CHECK(words_are(block, kLoad, kLocal));
    CHECK(block->memops[0].mode == kLocal);
  }
}

TEST_CASE("all at once") {
  constexpr int kThreads = 4, kRounds = 400;
  World world(MTEDBG_Policy_Sticky, 1u << 30, 0, /*claim=*/2);
  std::vector<const CodeBlock*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(world.make(i % 2 == 0 ? kLoad : kStore, kLocal));
  const uint64_t memory = world.memory.allocate(64, kMine);
  const auto body = [&](uint64_t number) {
    Actor actor(world, 10 + number, static_cast<uint32_t>(1 + number));
    uint64_t state = number;
    for (int round = 0; round < kRounds; ++round) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const uint64_t at = memory + (state >> 33) % 56;
      uint64_t bytes = state;
      if (round % 16 == 0)
        world.memory.host_write(actor.frame, at, &bytes, 8);
      else
        CHECK(actor.fault(blocks[(state >> 40) % 4], at).verdict == Verdict::Resumed);
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t number = 0; number < kThreads; ++number) threads.emplace_back(body, number);
  std::thread retires([&] {
    for (int i = 0; i < 50; ++i) world.code.retire(world.make(kLoad, kLocal), "replaced");
  });
  for (std::thread& thread : threads) thread.join();
  retires.join();
  CHECK_FALSE(world.protocol.lock().held());
  CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
  for (size_t i = 0; i < blocks.size(); ++i)
    CHECK(words_are(blocks[i], i % 2 == 0 ? kLoad : kStore, blocks[i]->memops[0].mode));
  for (uint64_t at = memory; at < memory + 64; at += 16)
    CHECK(read_tag(at) != world.protocol.tags().guard);
}

}  // namespace mtetso
