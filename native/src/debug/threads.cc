// SPDX-License-Identifier: MIT
#include "debug/threads.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <vector>

#include "debug/arena.h"
#include "debug/recorder.h"
#include "debug/root.h"

namespace mtetso {
namespace {

struct Registry {
  std::mutex lock;
  std::vector<mtedbg_Thread*> threads;  // where frame->thread points; the table has copies
  std::vector<mtedbg_Thread> copies;
};

Registry& registry() {
  static Registry& the = *new Registry;
  return the;
}

void publish(Registry& known) {
  for (size_t i = 0; i < known.threads.size(); ++i) known.copies[i] = *known.threads[i];
  debug_root().threads.publish(known.copies);
}

uint64_t host_tid() { return static_cast<uint64_t>(syscall(SYS_gettid)); }

}  // namespace

void* allocate_frame(uint64_t bytes) { return arena_allocate(bytes, 64); }

void register_thread(mtedbg_GuestFrame* frame, uint64_t stack_low, uint64_t stack_high,
                     mtedbg_Thread* ended) {
  Registry& known = registry();
  std::lock_guard hold(known.lock);
  mtedbg_Thread* thread = ended;
  if (thread == nullptr) {
    thread = arena_array<mtedbg_Thread>(1).data();
    thread->recorder = address_of(make_recorder(frame->thread_id));
    const size_t count = known.threads.size() + 1;
    known.copies.reserve(count);
    debug_root().threads.reserve(count);
    known.threads.push_back(thread);
    known.copies.resize(count);
  } else {
    clear_recorder(*reinterpret_cast<mtedbg_Recorder*>(thread->recorder), frame->thread_id);
  }
  *thread = {.id = frame->thread_id,
             .host_tid = host_tid(),
             .frame = address_of(frame),
             .recorder = thread->recorder,
             .stack_low = stack_low,
             .stack_high = stack_high};
  frame->thread = address_of(thread);
  frame->noted_core = static_cast<uint32_t>(frame->host_core_id);
  g_registered_threads.fetch_add(1, std::memory_order_relaxed);
  publish(known);
  record(frame, {.event = MTEDBG_Event_ThreadStart,
                 .old_value = frame->thread_id,
                 .new_value = thread->host_tid});
}

void bind_host_thread(mtedbg_GuestFrame* frame) {
  Registry& known = registry();
  std::lock_guard hold(known.lock);
  auto& thread = *reinterpret_cast<mtedbg_Thread*>(frame->thread);
  const uint64_t tid = host_tid();
  if (thread.host_tid == tid) return;
  thread.host_tid = tid;
  publish(known);
}

void show_stack(mtedbg_GuestFrame* frame, uint64_t low, uint64_t high) {
  Registry& known = registry();
  std::lock_guard hold(known.lock);
  auto* thread = reinterpret_cast<mtedbg_Thread*>(frame->thread);
  thread->stack_low = low;
  thread->stack_high = high;
  publish(known);
}

void note_migration(mtedbg_GuestFrame* frame) {
  const auto core = static_cast<uint32_t>(frame->host_core_id);
  const uint32_t noted = frame->noted_core;
  std::atomic_ref(frame->noted_core).store(core, std::memory_order_relaxed);
  record(frame, {.event = MTEDBG_Event_Migration,
                 .address = frame->rip,
                 .old_value = noted,
                 .new_value = core});
}

void thread_exited(mtedbg_GuestFrame* frame, uint64_t status) {
  std::atomic_ref(frame->state).store(MTEDBG_ThreadState_Exited, std::memory_order_release);
  record(frame,
         {.event = MTEDBG_Event_ThreadExit, .old_value = frame->thread_id, .new_value = status});
}

}  // namespace mtetso
