// SPDX-License-Identifier: MIT
#include "run/core_ids.h"

#include <linux/rseq.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "debug/threads.h"
#include "status.h"

// Where the C library has registered it (glibc 2.35; <sys/rseq.h> has the same names, and a struct
// rseq of its own). Weak: older versions do not have them.
extern "C" {
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
}

namespace mtetso {

uint32_t possible_processors() {
  const long count = sysconf(_SC_NPROCESSORS_CONF);
  return count > 0 ? static_cast<uint32_t>(count) : 1;
}

uint32_t current_processor() {
  const int cpu = sched_getcpu();
  return cpu > 0 ? static_cast<uint32_t>(cpu) : 0;
}

uint64_t rseq_area() {
  if (&__rseq_size == nullptr || &__rseq_offset == nullptr || __rseq_size == 0) return 0;
  return reinterpret_cast<uintptr_t>(__builtin_thread_pointer()) +
         static_cast<uint64_t>(__rseq_offset);
}

void bind_core_id(const Options& options, GuestThread& thread) {
  Frame& frame = *thread.frame;
  if (options.core_id_source == MTEDBG_CoreIdSource_Lockstep) return;
  frame.guest.rseq = rseq_area();
  if (reads_rseq(options) && frame.guest.rseq == 0)
    throw StatusError(Status::NoRseq,
                      "no restartable sequences (rseq(2) is not registered): they need Linux 4.18 "
                      "and glibc 2.35; QEMU's user mode does not have them");
  refresh_core_id(options, thread);
}

void refresh_core_id(const Options& options, GuestThread& thread) {
  Frame& frame = *thread.frame;
  if (thread.processor && current_processor() != *thread.processor) {
    thread.processor.reset();
    frame.guest.host_core_id = core_tags(options).nobody;
    note_core(&frame.guest);
  }
  if (!reads_rseq(options)) return;
  auto* area = reinterpret_cast<struct rseq*>(frame.guest.rseq);
  const uint32_t cpu = std::atomic_ref(area->cpu_id).load(std::memory_order_relaxed);
  frame.guest.host_core_id = core_tags(options).of(cpu);
  note_core(&frame.guest);
}

}  // namespace mtetso
