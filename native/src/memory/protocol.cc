// SPDX-License-Identifier: MIT
#include "memory/protocol.h"

#include <atomic>

#include "debug/journal.h"
#include "debug/recorder.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "memory/barriers.h"
#include "memory/tags.h"

namespace mtetso {

namespace {

void tell_holder(uint64_t thread) {
  std::atomic_ref(debug_root().lock->thread).store(thread, std::memory_order_relaxed);
}

void note_retag(mtedbg_GuestFrame* frame, uint64_t granule, uint32_t from, uint32_t to) {
  record(frame,
         {.event = MTEDBG_Event_Retag, .address = granule, .old_value = from, .new_value = to});
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

void Protocol::hand_over(const mtedbg_GuestFrame* frame, uint64_t address, size_t length,
                         uint32_t tag) {
  const SignalsHeld held;
  acquire(frame);
  if (!only_guest_thread()) {
    write_tags(address, length, tags_.guard);
    settle_accesses();
  }
  write_tags(address, length, tag);
  release();
}

// As for a split lock: after two barriers nobody is in an access by the granules' own tags.
std::vector<Protocol::Lent> Protocol::take(mtedbg_GuestFrame* frame, uint64_t address,
                                           size_t length) {
  std::vector<Lent> lent;
  if (length == 0 || only_guest_thread()) return lent;
  const uint64_t end = strip_tag(address) + length;
  for (uint64_t at = granule_of(address); at < end; at += kGranule)
    if (const uint32_t tag = read_tag(at); tag != shared_tag()) lent.push_back({at, tag});
  if (lent.empty()) return lent;
  open_journal(JournalSlot::Memop, {.operation = MTEDBG_Operation_RetagOnly,
                                    .phase = MTEDBG_Phase_Retag,
                                    .thread = frame == nullptr ? 0 : frame->thread_id,
                                    .block = 0,
                                    .memop = 0,
                                    .generation = next_generation(),
                                    .address = strip_tag(address),
                                    .old_tag = lent.front().tag,
                                    .new_tag = tags_.guard,
                                    .old_mode = 0,
                                    .new_mode = 0});
  for (const Lent& one : lent) {
    write_tags(one.granule, kGranule, tags_.guard);
    note_retag(frame, one.granule, one.tag, tags_.guard);
  }
  set_journal_phase(JournalSlot::Memop, MTEDBG_Phase_Barrier);
  settle_accesses();
  return lent;
}

// After the barrier, no access of another core that the host's should come before has been done
// early: it has not passed its check, and is not ahead of it either.
void Protocol::give_back(mtedbg_GuestFrame* frame, const std::vector<Lent>& lent) {
  if (lent.empty()) return;
  barrier_everywhere();
  for (const Lent& one : lent) {
    write_tags(one.granule, kGranule, one.tag);
    note_retag(frame, one.granule, tags_.guard, one.tag);
  }
  close_journal(JournalSlot::Memop);
}

}  // namespace mtetso
