// SPDX-License-Identifier: MIT
//
// What the debug root says of one Code and its functions. It lives by its references: the Code has
// one, and each of its blocks, those included that are gone and still listed as retired, because
// they name functions by their index. The last one gives the indices, the names and the tier slots
// back. Made, changed and deleted with code_lock() held.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "code/tier_slot.h"
#include "debug/arena.h"

namespace mtetso {

// The program that it is of, for debuggers and profiles.
struct CodeIdentity {
  std::string_view name = "";
  std::string_view path = "";  // of its file; empty: it is of none
  uint64_t digest = 0;         // of the guest's code
  uint64_t guest_begin = 0;
  uint64_t guest_end = 0;
  uint64_t load_bias = 0;          // guest addresses less those in its file
  std::string_view build_id = {};  // as text: the bytes in hexadecimal; empty if it has none
};

// A guest function.
struct FunctionIdentity {
  std::string_view name;
  uint64_t guest_begin = 0;
  uint64_t guest_end = 0;
};

class CodeRecords {
 public:
  // Throws bad_alloc.
  CodeRecords(const CodeIdentity& identity, uint64_t id);
  ~CodeRecords();
  CodeRecords(const CodeRecords&) = delete;
  CodeRecords& operator=(const CodeRecords&) = delete;

  // Adds functions; returns their indices, in ascending order. `ticks`: of baseline code until it
  // requests a better tier. Throws bad_alloc: some may have been added.
  std::vector<uint32_t> add_functions(std::span<const FunctionIdentity> functions, int32_t ticks);

  // Null for an index that is not of this Code.
  TierSlot* slot(uint32_t function) const;

  // Says which block the shared stubs are in.
  void set_shared_stubs(uint64_t block);

  // There is no such Code any more, and so no code of its functions.
  void end();

 private:
  const uint64_t id_;
  ArenaPieces memory_;
  uint64_t shown_;                       // its slot in the debug root
  std::map<uint32_t, TierSlot*> slots_;  // by function
  bool ended_ = false;
};

}  // namespace mtetso
