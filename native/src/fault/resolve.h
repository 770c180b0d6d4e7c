// SPDX-License-Identifier: MIT
//
// What the signal handler does, on plain values: the same code runs in host tests, with words that
// are only looked at and tags from a table.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>

#include "code/block.h"
#include "code/memop_words.h"
#include "fault/decision.h"
#include "memory/guest_memory.h"
#include "memory/protocol.h"

namespace mtetso {

enum class FaultKind : uint8_t { TagCheck, Alignment, Other };

struct FaultContext {
  FaultKind kind = FaultKind::Other;
  uint64_t address = 0;              // si_addr
  uint64_t* registers = nullptr;     // x0..x30, may be changed
  unsigned long long* pc = nullptr;  // likewise; the type is the kernel's
};

enum class Verdict : uint8_t {
  Resumed,     // go on at the changed pc
  GuestFault,  // the guest has no such memory or may not do that with it
  NotOurs,     // no memop of ours
};

struct Resolution {
  Verdict verdict = Verdict::NotOurs;
  uint64_t guest_rip = 0;  // of the memop, for GuestFault
  uint64_t address = 0;    // without tag, likewise
};

class FaultResolver {
 public:
  // `guard_tag`: one that no thread's pointers have, for split locks.
  FaultResolver(uint32_t policy, uint32_t pin_threshold, uint32_t guard_tag, Protocol& protocol,
                GuestMemory& memory)
      : policy_(policy),
        pin_threshold_(pin_threshold),
        guard_tag_(guard_tag),
        protocol_(protocol),
        memory_(memory) {}

  // Async-signal-safe. Looks the PC up in the process's code map.
  Resolution resolve(const FaultContext& fault);

 private:
  struct Work;
  Resolution foreign(const FaultContext& fault) const;
  void settle(Work& work);
  Situation read_situation(const Work& work) const;
  void note_fault(Work& work) const;
  void open(const Work& work);
  void retag(const Work& work);
  void patch(const Work& work);
  void count_flip(const Work& work) const;
  void access(const Work& work) const;
  void set_tag(const Work& work, uint32_t index, uint32_t from, uint32_t to) const;
  void finish(const Work& work) const;

  const uint32_t policy_;
  const uint32_t pin_threshold_;
  const uint32_t guard_tag_;
  Protocol& protocol_;
  GuestMemory& memory_;
};

}  // namespace mtetso
