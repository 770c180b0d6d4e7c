// SPDX-License-Identifier: MIT
#include "debug/recorder.h"

#include <time.h>

#include <atomic>

#include "debug/arena.h"
#include "debug/fence.h"
#include "debug/field.h"
#include "debug/root.h"
#include "debug/trace.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_clock{0};

static_assert(std::atomic<uint64_t>::is_always_lock_free, "recorded in signal handlers");
static_assert((kRecorderCapacity & (kRecorderCapacity - 1)) == 0, "the index survives wrapping");

mtedbg_Recorder& recorder_of(const mtedbg_GuestFrame* frame) {
  if (frame != nullptr && frame->thread != 0) [[likely]] {
    const auto* thread = reinterpret_cast<const mtedbg_Thread*>(frame->thread);
    return *reinterpret_cast<mtedbg_Recorder*>(thread->recorder);
  }
  return *debug_root().recorder;
}

// Apart: it is the rare case, and append_event() calls nothing else.
__attribute__((noinline)) void trace_event(const mtedbg_Recorder& recorder,
                                           const mtedbg_Record& slot) {
  trace({.kind = TraceKind::Event,
         .thread = static_cast<uint32_t>(recorder.thread),
         .core = slot.core,
         .event = slot.event,
         .memop = slot.memop,
         .address = slot.address,
         .first = slot.old_value,
         .second = slot.new_value});
}

}  // namespace

mtedbg_Recorder* make_recorder(uint64_t thread_id) {
  auto records = arena_array<mtedbg_Record>(kRecorderCapacity);
  mtedbg_Recorder* recorder = arena_array<mtedbg_Recorder>(1).data();
  recorder->events = address_of(records.data());
  recorder->capacity = kRecorderCapacity;
  recorder->stride = sizeof(mtedbg_Record);
  recorder->thread = thread_id;
  return recorder;
}

void clear_recorder(mtedbg_Recorder& recorder, uint64_t thread_id) {
  auto* records = reinterpret_cast<mtedbg_Record*>(recorder.events);
  for (uint32_t i = 0; i < kRecorderCapacity && i < recorder.head; ++i)
    put(records[i].order, uint64_t{0});
  full_fence();
  put(recorder.head, uint64_t{0});
  put(recorder.thread, thread_id);
}

uint64_t monotonic_now() {
  timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<uint64_t>(at.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(at.tv_nsec);
}

// The process's own ring has several writers, and a signal handler may come in the middle: a
// place is taken by one atomic addition, and a field is only ever stored atomically.
void append_event(const mtedbg_GuestFrame* frame, uint32_t event, uint64_t memop, uint64_t address,
                  uint64_t old_value, uint64_t new_value, uint64_t time) {
  mtedbg_Recorder& recorder = recorder_of(frame);
  const uint64_t index = std::atomic_ref(recorder.head).fetch_add(1, std::memory_order_relaxed);
  auto& slot = reinterpret_cast<mtedbg_Record*>(recorder.events)[index % kRecorderCapacity];
  const uint32_t core = frame == nullptr ? 0u : static_cast<uint32_t>(frame->host_core_id);
  put(slot.order, 0);
  full_fence();
  put(slot.clock, g_clock.fetch_add(1, std::memory_order_relaxed) + 1);
  put(slot.time, time);
  put(slot.memop, memop);
  put(slot.address, address);
  put(slot.old_value, old_value);
  put(slot.new_value, new_value);
  put(slot.event, event);
  put(slot.core, core);
  std::atomic_ref(slot.order).store(index + 1, std::memory_order_release);
  if (tracing()) trace_event(recorder, slot);
}

}  // namespace mtetso
