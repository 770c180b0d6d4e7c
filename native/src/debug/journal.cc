// SPDX-License-Identifier: MIT
#include "debug/journal.h"

#include <atomic>

#include "debug/fence.h"

namespace mtetso {

void open_journal(JournalSlot slot, const mtedbg_Journal& entry) {
  mtedbg_Journal& at = slot_of(slot);
  mtedbg_Journal filled = entry;
  filled.operation = MTEDBG_Operation_None;
  at = filled;
  std::atomic_ref(at.operation).store(entry.operation, std::memory_order_release);
  full_fence();  // the change may not begin before
}

void close_journal(JournalSlot slot) {
  std::atomic_ref(slot_of(slot).operation).store(MTEDBG_Operation_None, std::memory_order_release);
}

}  // namespace mtetso
