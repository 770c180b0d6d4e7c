// SPDX-License-Identifier: MIT
//
// A fault of a memop while it is resolved (resolve.cc, act.cc).
#pragma once

#include "debug/field.h"
#include "debug/journal.h"
#include "fault/resolve.h"
#include "memory/tags.h"

// A function with a phase in it must exist once.
#define ONE_COPY __attribute__((noinline, noclone))

namespace mtetso {

// `pointer` is the memop's address register, with its logical tag: si_addr may lie in the middle
// of the access, and its bits 63:60 are undefined.
struct FaultResolver::FaultedAccess {
  const FaultContext& context;
  const CodeBlock& block;
  mtedbg_Memop& memop;
  mtedbg_GuestFrame* frame;
  uint64_t pointer;

  uint64_t granule(uint32_t index) const { return granule_of(pointer) + index * kGranule; }
};

// With what was decided about it.
struct FaultResolver::MemopFault : FaultedAccess {
  uint64_t time;  // when the lock was taken; of all records of this fault
  bool alone;     // there has never been another guest thread to synchronise with
  Situation& now;
  Decision& what;

  bool settles_with_patch() const {
    return what.barrier && what.retags() && what.patch_to == MTEDBG_Mode_Shared;
  }
  uint32_t new_tag() const { return what.claim ? now.own : now.shared; }
};

inline void set_phase(uint32_t phase) { set_journal_phase(JournalSlot::Memop, phase); }

}  // namespace mtetso
