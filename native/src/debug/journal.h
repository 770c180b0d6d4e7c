// SPDX-License-Identifier: MIT
//
// Says which change is in progress. A slot is filled, then marked with its operation (release); it
// is cleared last, by resetting the operation. Each slot has one writer at a time: the holder of
// the lock for that kind of change.
#pragma once

#include <mtedbg/debug_root.h>

#include <atomic>
#include <cstdint>

#include "debug/root.h"

namespace mtetso {

enum class JournalSlot : uint32_t { Memop = 0, CodeMap = 1 };
inline constexpr uint32_t kJournalSlots = 2;

inline mtedbg_Journal& slot_of(JournalSlot slot) {
  return debug_root().journal[static_cast<uint32_t>(slot)];
}

// Fills `slot` with all but the operation of `entry`, then the operation.
void open_journal(JournalSlot slot, const mtedbg_Journal& entry);
inline void set_journal_phase(JournalSlot slot, uint32_t phase) {
  std::atomic_ref(slot_of(slot).phase).store(phase, std::memory_order_release);
}
void close_journal(JournalSlot slot);

}  // namespace mtetso
