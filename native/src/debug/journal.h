// SPDX-License-Identifier: MIT
//
// Says which change is in progress. A slot is filled, then marked with its operation (release); it
// is cleared last, by resetting the operation. Each slot has one writer at a time: the holder of
// the lock for that kind of change.
#pragma once

#include <mtedbg/debug_root.h>

#include <atomic>
#include <cstdint>

#include "debug/fence.h"
#include "debug/root.h"

namespace mtetso {

enum class JournalSlot : uint32_t { Memop = 0, CodeMap = 1 };
inline constexpr uint32_t kJournalSlots = 2;

inline mtedbg_Journal& slot_of(JournalSlot slot) {
  return debug_root().journal[static_cast<uint32_t>(slot)];
}

// Fills `slot` with all but the operation of `entry`, then the operation.
inline void open_journal(JournalSlot slot, const mtedbg_Journal& entry) {
  mtedbg_Journal& at = slot_of(slot);
  at.operation = MTEDBG_Operation_None;
  at.phase = entry.phase;
  at.thread = entry.thread;
  at.block = entry.block;
  at.memop = entry.memop;
  at.generation = entry.generation;
  at.address = entry.address;
  at.old_tag = entry.old_tag;
  at.new_tag = entry.new_tag;
  at.old_mode = entry.old_mode;
  at.new_mode = entry.new_mode;
  std::atomic_ref(at.operation).store(entry.operation, std::memory_order_release);
  full_fence();  // the change may not begin before
}
inline void set_journal_phase(JournalSlot slot, uint32_t phase) {
  std::atomic_ref(slot_of(slot).phase).store(phase, std::memory_order_release);
}
inline void close_journal(JournalSlot slot) {
  std::atomic_ref(slot_of(slot).operation).store(MTEDBG_Operation_None, std::memory_order_release);
}

}  // namespace mtetso
