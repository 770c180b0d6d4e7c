// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "debug/arena.h"
#include "debug/recorder.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "single_step.h"

namespace mtetso {
namespace {

mtedbg_GuestFrame* make_thread(uint64_t id, uint64_t core) {
  auto* frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(sizeof(mtedbg_GuestFrame)));
  frame->thread_id = id;
  frame->host_core_id = core;
  register_thread(frame, 0x1000, 0x2000);
  return frame;
}

const mtedbg_Thread& thread_of(const mtedbg_GuestFrame* frame) {
  return *reinterpret_cast<const mtedbg_Thread*>(frame->thread);
}

const mtedbg_Recorder& recorder_of(const mtedbg_GuestFrame* frame) {
  return *reinterpret_cast<const mtedbg_Recorder*>(thread_of(frame).recorder);
}

// The whole events of a ring, oldest first.
std::vector<mtedbg_Record> events_of(const mtedbg_Recorder& recorder) {
  std::vector<mtedbg_Record> events;
  const auto* ring = reinterpret_cast<const mtedbg_Record*>(recorder.events);
  const uint64_t first = recorder.head > recorder.capacity ? recorder.head - recorder.capacity : 0;
  for (uint64_t n = first; n < recorder.head; ++n)
    if (ring[n % recorder.capacity].order == n + 1) events.push_back(ring[n % recorder.capacity]);
  return events;
}

}  // namespace

TEST_CASE("what is recorded can be read") {
  mtedbg_GuestFrame* frame = make_thread(7, 3);
  record(frame, {.event = MTEDBG_Event_Patch,
                 .memop = 11,
                 .address = 0x1234,
                 .old_value = 1,
                 .new_value = 2});
  const auto events = events_of(recorder_of(frame));
  REQUIRE(events.size() == 2);
  CHECK(events[0].event == MTEDBG_Event_ThreadStart);
  CHECK(events[0].old_value == 7);
  const mtedbg_Record& last = events[1];
  CHECK(last.event == MTEDBG_Event_Patch);
  CHECK(last.memop == 11);
  CHECK(last.address == 0x1234);
  CHECK(last.old_value == 1);
  CHECK(last.new_value == 2);
  CHECK(last.core == 3);
  CHECK(last.time >= events[0].time);
  CHECK(last.clock > events[0].clock);
}

TEST_CASE("the ring keeps the last ones") {
  mtedbg_GuestFrame* frame = make_thread(8, 1);
  for (uint64_t i = 0; i < kRecorderCapacity + 10; ++i)
    record(frame, {.event = MTEDBG_Event_Retry, .memop = i});
  const auto events = events_of(recorder_of(frame));
  REQUIRE(events.size() == kRecorderCapacity);
  CHECK(events.front().memop == 10);
  CHECK(events.back().memop == kRecorderCapacity + 9);
}

TEST_CASE("threads have rings of their own and one clock") {
  std::vector<mtedbg_GuestFrame*> frames;
  for (uint64_t id = 20; id < 24; ++id) frames.push_back(make_thread(id, id - 19));
  std::vector<std::thread> threads;
  for (mtedbg_GuestFrame* frame : frames)
    threads.emplace_back([frame] {
      bind_host_thread(frame);
      for (int i = 0; i < 1000; ++i) record(frame, {.event = MTEDBG_Event_Retry});
    });
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> clocks, tids;
  size_t count = 0;
  for (const mtedbg_GuestFrame* frame : frames) {
    const auto events = events_of(recorder_of(frame));
    CHECK(events.size() == 1001);
    CHECK(std::is_sorted(events.begin(), events.end(),
                         [](const auto& a, const auto& b) { return a.clock < b.clock; }));
    for (const mtedbg_Record& event : events) clocks.insert(event.clock);
    count += events.size();
    tids.insert(thread_of(frame).host_tid);
  }
  CHECK(clocks.size() == count);  // no two events at one time of the clock
  CHECK(tids.size() == frames.size());
}

TEST_CASE("several threads may write to the process's ring") {
  const uint64_t before = debug_root().recorder->head;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) record(nullptr, {.event = MTEDBG_Event_TierCommit});
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(debug_root().recorder->head == before + 2000);
  CHECK(events_of(*debug_root().recorder).size() >= 2000);
}

TEST_CASE("the table of threads, and one that ends") {
  mtedbg_GuestFrame* frame = make_thread(30, 2);
  const auto& abi = debug_root().threads.abi();
  const auto* buffer =
      reinterpret_cast<const mtedbg_Buffer*>(abi.published % 2 == 0 ? abi.buffer0 : abi.buffer1);
  const auto& last = reinterpret_cast<const mtedbg_Thread*>(buffer + 1)[buffer->count - 1];
  CHECK(last.id == 30);
  CHECK(last.frame == address_of(frame));
  CHECK(last.host_tid == static_cast<uint64_t>(syscall(SYS_gettid)));
  CHECK(last.stack_low == 0x1000);
  thread_exited(frame, 5);
  CHECK(frame->state == MTEDBG_ThreadState_Exited);
  CHECK(events_of(recorder_of(frame)).back().event == MTEDBG_Event_ThreadExit);
  CHECK(events_of(recorder_of(frame)).back().new_value == 5);
}

TEST_CASE("at every instruction an event is whole or not there") {
  mtedbg_GuestFrame* frame = make_thread(40, 1);
  // Every field of event i is made of i.
  const auto write = [&](uint64_t i) {
    record(frame, {.event = static_cast<uint32_t>(1 + i % 12),
                   .memop = i,
                   .address = i * 3,
                   .old_value = i * 5,
                   .new_value = i * 7});
  };
  // The ring is full before, so that each place has an older event in it.
  for (uint64_t i = 1; i < kRecorderCapacity; ++i) write(i);
  const uint64_t start = kRecorderCapacity;
  uint64_t torn = 0, seen = 0;
  single_step(
      [&] {
        for (uint64_t i = start; i < start + 5; ++i) write(i);
      },
      [&](const Child& child) {
        const auto recorder = child.read<mtedbg_Recorder>(address_of(&recorder_of(frame)));
        for (uint64_t n = start; n < recorder.head; ++n) {
          const auto event = child.read<mtedbg_Record>(recorder.events + (n % recorder.capacity) *
                                                                             sizeof(mtedbg_Record));
          if (event.order != n + 1) {
            ++torn;
            continue;
          }
          seen = std::max(seen, n);
          REQUIRE(event.memop == n);
          REQUIRE(event.address == n * 3);
          REQUIRE(event.old_value == n * 5);
          REQUIRE(event.new_value == n * 7);
          REQUIRE(event.event == 1 + n % 12);
        }
      });
  CHECK(seen == start + 4);
  CHECK(torn > 5);
}

}  // namespace mtetso
