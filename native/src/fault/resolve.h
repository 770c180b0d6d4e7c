// SPDX-License-Identifier: MIT
//
// The signal handler's work, on plain values: the same code runs in host tests, with words that are
// never executed and tags from a table.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>

#include "code/block.h"
#include "code/memop_words.h"
#include "fault/decision.h"
#include "memory/guest_memory.h"
#include "memory/protocol.h"

namespace mtetso {

enum class FaultKind : uint8_t {
  TagCheck,
  Alignment,
  FileEnd,  // a mapping of a file that has no such page (any more)
  Other,
};

struct FaultContext {
  FaultKind kind = FaultKind::Other;
  uint64_t address = 0;              // si_addr
  uint64_t* registers = nullptr;     // x0..x30, may be changed
  unsigned long long* pc = nullptr;  // likewise; the type is the kernel's
};

enum class Verdict : uint8_t {
  Resumed,     // go on at the changed pc
  GuestFault,  // the guest has no such memory, or no permission
  FileEnded,   // the guest may do that, but the file that is mapped there ends before
  NotOurs,     // not a memop
};

struct Resolution {
  Verdict verdict = Verdict::NotOurs;
  uint64_t guest_rip = 0;  // of the memop, for GuestFault and FileEnded
  uint64_t address = 0;    // without tag, likewise
};

// In an address that the handler hands on: the file that is mapped there ends before.
inline constexpr uint64_t kFileEnded = uint64_t{1} << 63;

// The options of the handler.
struct FaultRules {
  PolicyRules decision;
  uint32_t pin_threshold = 0;
  uint32_t guard_tag = 0;  // no pointer has it: for split locks
};

class FaultResolver {
 public:
  FaultResolver(const FaultRules& rules, Protocol& protocol, GuestMemory& memory)
      : rules_(rules), protocol_(protocol), memory_(memory) {}

  // Async-signal-safe. Looks the PC up in the process's code map.
  Resolution resolve(const FaultContext& context) noexcept;

 private:
  struct FaultedAccess;
  struct MemopFault;
  Resolution foreign(const FaultContext& context) const;
  static bool refused(const FaultedAccess& fault);
  int ready(const FaultedAccess& fault, const GuestMemory::Still& still) const;
  void settle(const FaultedAccess& access, int protection);
  Situation situation(const FaultedAccess& fault, int protection) const;
  void note_fault(const FaultedAccess& fault, const Situation& now, uint64_t time) const;
  void open(const MemopFault& fault);
  static void resume_after(const FaultedAccess& fault, bool interpreted);

  // What is not settled.
  Verdict unsettled(FaultedAccess fault);
  bool writes_code(const FaultedAccess& fault);
  Verdict writes_outside(const FaultedAccess& fault);
  static bool outside(const FaultedAccess& fault, uint64_t host);

  // act.cc: what was decided.
  void act(const MemopFault& fault);
  void retag(const MemopFault& fault);
  bool patch(const MemopFault& fault);
  void count_flip(const MemopFault& fault, uint32_t patched_to) const;  // 0: it was not
  void access(const MemopFault& fault) const;
  void set_tags(const MemopFault& fault, uint32_t to) const;
  void note_retag(const MemopFault& fault, bool back) const;

  const FaultRules rules_;
  Protocol& protocol_;
  GuestMemory& memory_;
};

}  // namespace mtetso
