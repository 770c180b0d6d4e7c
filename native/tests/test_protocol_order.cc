// SPDX-License-Identifier: MIT
//
// The order of the protocol's steps, by its trace: tags, barriers, words, caches. What each step is
// for shows on other cores only, and not in what is left in memory: without this a step could be
// missing, or come too early, and every other unit test would pass.
#include <doctest/doctest.h>
#include <linux/membarrier.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "code/epochs.h"
#include "debug/recorder.h"
#include "debug/trace.h"
#include "fault_world.h"

namespace mtetso {
namespace {

using Steps = std::vector<std::string>;

constexpr uint32_t kGuard = 15;  // with shared tag 0 (core_tags)

// One text, so that a failure can be read.
std::string text(const Steps& steps) {
  std::string all;
  for (const std::string& step : steps) all += (all.empty() ? "" : ", ") + step;
  return all;
}

// What happens during its lifetime, as words.
class Watch {
 public:
  // `block` names its words [1], [2]; `memory` its granules: tag[0], tag[1].
  Watch(const CodeBlock* block, uint64_t memory) : block_(block), memory_(granule_of(memory)) {
    std::snprintf(path_, sizeof path_, "/tmp/mtetso-order-XXXXXX");
    const int file = mkstemp(path_);
    REQUIRE(file >= 0);
    close(file);
    REQUIRE(open_trace(path_));
  }
  ~Watch() {
    end_trace();
    unlink(path_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Steps steps() const {
    Steps found;
    std::FILE* file = std::fopen(path_, "rb");
    TraceRecord one;
    while (file != nullptr && std::fread(&one, sizeof one, 1, file) == 1)
      if (std::string word = word_for(one); !word.empty()) found.push_back(std::move(word));
    if (file != nullptr) std::fclose(file);
    return found;
  }

 private:
  std::string name_of(uint64_t pc) const {
    const mtedbg_Memop& memop = block_->memops[0];
    if (pc == memop.tag_address) return "[1]";
    return pc == memop.address ? "[2]" : "elsewhere";
  }

  std::string word_for(const TraceRecord& one) const {
    switch (one.kind) {
      case TraceKind::Tags:
        return "tag[" + std::to_string((granule_of(one.address) - memory_) / kGranule) +
               "]=" + (one.second == kGuard ? "guard" : std::to_string(one.second));
      case TraceKind::Barrier:
        if (one.first == MEMBARRIER_CMD_PRIVATE_EXPEDITED) return "barrier";
        if (one.first == MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) return "cores";
        return one.first == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? "restart" : "?";
      case TraceKind::Word:
        return "write " + name_of(one.address);
      case TraceKind::Cleaned:
        return "clean " + name_of(one.address) +
               (one.first == sizeof(uint32_t) ? "" : "+" + std::to_string(one.first));
      case TraceKind::Interpreted:
        return "access";
      case TraceKind::Quiesced:
        return "quiet";
      case TraceKind::Event:
        return one.event == MTEDBG_Event_TierCommit ? "committed" : "";
      default:
        return "";
    }
  }

  const CodeBlock* block_;
  const uint64_t memory_;
  char path_[32];
};

// What a fault does, where there have been two guest threads.
std::string fault_of(World& world, const CodeBlock* block, uint64_t at,
                     FaultKind kind = FaultKind::TagCheck) {
  const Watch watch(block, at);
  CHECK(world.fault(block, at, kind).verdict == Verdict::Resumed);
  return text(watch.steps());
}

struct Two : World {
  template <typename... Rest>
  explicit Two(Rest... rest) : World(rest...), second(*this, 2, kOther) {
    CHECK_FALSE(only_guest_thread());
    CHECK(protocol.tags().guard == kGuard);
  }
  Actor second;
};

// [2] is on every core before [1] is written; who still runs the old [1] faults, or is right.
const Steps kAccess{"write [2]", "clean [2]", "cores"}, kInsert{"write [1]", "clean [1]"};

Steps operator+(Steps all, const Steps& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

// The barrier that brings [2] to every core is the second one under the guard.
TEST_CASE("another core's memory gets the guard tag, a barrier, [2], a barrier, its new tag; [1]") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther);
  CHECK(fault_of(world, block, at) ==
        text(Steps{"tag[0]=guard", "barrier"} + kAccess + Steps{"tag[0]=0"} + kInsert));
}

TEST_CASE("memory that is shared already only costs the words") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kStore, kLocal);
  const uint64_t at = world.memory.allocate(16, world.protocol.tags().shared);
  CHECK(fault_of(world, block, at) == text(kAccess + kInsert));
}

TEST_CASE("an ordered access that meets its own memory: the memory only") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kStore, kShared);
  const uint64_t at = world.memory.allocate(16, kMine);
  CHECK(fault_of(world, block, at) == text({"tag[0]=guard", "barrier", "barrier", "tag[0]=0"}));
}

TEST_CASE("both granules of an access change hands together") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(32, kOther);
  CHECK(fault_of(world, block, at + 12) == text(Steps{"tag[0]=guard", "tag[1]=guard", "barrier"} +
                                                kAccess + Steps{"tag[0]=0", "tag[1]=0"} + kInsert));
}

TEST_CASE("a claim is by way of the guard tag as well") {
  Two world(MTEDBG_Policy_Sticky, 8u, 0u, /*claim=*/1u);
  const CodeBlock* block = world.make(kLoad, kLocal);
  block->memops[0].faults = 1;
  const uint64_t at = world.memory.allocate(16, 0);
  CHECK(fault_of(world, block, at) ==
        text(Steps{"tag[0]=guard", "barrier", "barrier", "tag[0]=3"}));
}

// [1] is on every core, then nobody is between the two words, then [2] is written.
TEST_CASE("to the weaker form: [1], everybody out, [2]") {
  using How = Quiescence::How;
  for (const How how : {How::Restart, How::Polls}) {
    Two world(MTEDBG_Policy_Sticky, 8u, 0u, /*claim=*/1u, 0u, how);
    if (how == How::Restart) REQUIRE(register_restarts());
    const CodeBlock* block = world.make(kStore, kShared);
    block->memops[0].faults = 1;
    const uint64_t at = world.memory.allocate(16, kMine);
    const Steps out = how == How::Restart ? Steps{"restart", "quiet"} : Steps{"quiet"};
    CHECK(fault_of(world, block, at) ==
          text(Steps{"write [1]", "clean [1]", "cores"} + out + Steps{"write [2]", "clean [2]"}));
  }
}

TEST_CASE("somebody who does not come out: [1] is put back, and the memory becomes shared") {
  Two world(MTEDBG_Policy_Sticky, 8u, 0u, /*claim=*/1u, 0u, Quiescence::How::Polls);
  std::atomic_ref(world.second.frame->state) = MTEDBG_ThreadState_Jit;
  const CodeBlock* block = world.make(kStore, kShared);
  block->memops[0].faults = 1;
  const uint64_t at = world.memory.allocate(16, kMine);
  CHECK(fault_of(world, block, at) ==
        text(Steps{"write [1]", "clean [1]", "cores", "write [1]", "clean [1]", "cores",
                   "tag[0]=guard", "barrier", "barrier", "tag[0]=0"}));
}

TEST_CASE("a thread that is asked to stop while it is waited for has reached no poll") {
  mtedbg_GuestFrame frame{};
  frame.state = MTEDBG_ThreadState_Jit;
  int32_t budget = 1000;
  constexpr uint64_t kWait = 60'000'000;  // ns
  Quiescence quiescence(Quiescence::How::Polls, kWait);
  quiescence.add(&frame, &budget);
  std::atomic<uint64_t> begin{0};
  std::thread asks([&] {
    while (begin == 0 || monotonic_now() < begin + kWait / 3) std::this_thread::yield();
    std::atomic_ref<int32_t>(budget).store(0);
  });
  begin = monotonic_now();
  CHECK_FALSE(quiescence.wait(nullptr));
  asks.join();
}

TEST_CASE("to either: one word, and the memory stays as it is") {
  Two world(MTEDBG_Policy_Follow);
  const CodeBlock* block = world.make(kLoad, kShared);
  const uint64_t at = world.memory.allocate(16, kMine);
  CHECK(fault_of(world, block, at) == text(Steps{"write [1]", "clean [1]", "cores"}));
}

TEST_CASE("an access that the handler does for the thread, on another core's memory") {
  Two world(MTEDBG_Policy_Interpret);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther);
  CHECK(fault_of(world, block, at) == text(Steps{"barrier", "access", "barrier"}));
}

TEST_CASE("a split lock is between guard tags and barriers") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kSwap, kShared);
  const uint64_t at = world.memory.allocate(32, kMine);
  write_tags(at + 16, 16, 0);
  CHECK(fault_of(world, block, at + 12, FaultKind::Alignment) ==
        text(Steps{"tag[0]=guard", "tag[1]=guard", "barrier", "barrier", "access", "barrier",
                   "tag[0]=3", "tag[1]=0"}));
}

TEST_CASE("the host takes what is local, and gives it back") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(48, kMine);
  write_tags(at + 16, 16, 0);
  write_tags(at + 32, 16, kOther);
  uint64_t value[6] = {};
  const Watch watch(block, at);
  REQUIRE(world.memory.host_write(world.frame, at, value, sizeof value));
  CHECK(text(watch.steps()) == text({"tag[0]=guard", "tag[2]=guard", "barrier", "barrier",
                                     "barrier", "tag[0]=3", "tag[2]=5"}));
}

TEST_CASE("the original idea has none of it") {
  Two world(MTEDBG_Policy_Seed);
  const CodeBlock* block = world.make(kLoad, kLocal);
  const uint64_t at = world.memory.allocate(16, kOther);
  CHECK(fault_of(world, block, at) ==
        text(Steps{"tag[0]=0", "write [1]", "write [2]", "clean [1]+8", "cores"}));
}

TEST_CASE("new code is clean, and known to every core, before it is entered") {
  Two world(MTEDBG_Policy_Sticky);
  const CodeBlock* first = world.make(kLoad, kLocal);
  const Watch watch(first, 0);
  world.make(kStore, kLocal);
  CHECK(text(watch.steps()) == "clean elsewhere+8, cores, committed");
}

}  // namespace mtetso
