// SPDX-License-Identifier: MIT
#include "memory/protocol.h"

#include <atomic>

#include "debug/journal.h"
#include "debug/recorder.h"
#include "debug/root.h"
#include "memory/barriers.h"
#include "memory/tags.h"

namespace mtetso {

namespace {

void tell_holder(uint64_t thread) {
  std::atomic_ref(debug_root().lock->thread).store(thread, std::memory_order_relaxed);
}

}  // namespace

void Protocol::acquire(const mtedbg_GuestFrame* frame) {
  lock_.lock();
  tell_holder(frame == nullptr ? 0 : frame->thread_id);
}

void Protocol::release() {
  tell_holder(0);
  lock_.unlock();
}

size_t Protocol::take_shared(mtedbg_GuestFrame* frame, uint64_t address, size_t length) {
  if (length == 0) return 0;
  const uint64_t end = strip_tag(address) + length;
  size_t changed = 0;
  for (uint64_t at = granule_of(address); at < end; at += kGranule) {
    const uint32_t tag = read_tag(at);
    if (tag == shared_tag()) continue;
    if (changed++ == 0) {
      open_journal(JournalSlot::Memop, {.operation = MTEDBG_Operation_RetagOnly,
                                        .phase = MTEDBG_Phase_Retag,
                                        .thread = frame == nullptr ? 0 : frame->thread_id,
                                        .block = 0,
                                        .memop = 0,
                                        .generation = next_generation(),
                                        .address = strip_tag(address),
                                        .old_tag = tag,
                                        .new_tag = shared_tag(),
                                        .old_mode = 0,
                                        .new_mode = 0});
    }
    write_tags(at, kGranule, tags_.guard);
    record(
        frame,
        {.event = MTEDBG_Event_Retag, .address = at, .old_value = tag, .new_value = shared_tag()});
  }
  if (changed == 0) return 0;
  set_journal_phase(JournalSlot::Memop, MTEDBG_Phase_Barrier);
  settle_accesses();
  write_tags(address, length, shared_tag());
  close_journal(JournalSlot::Memop);
  return changed;
}

}  // namespace mtetso
