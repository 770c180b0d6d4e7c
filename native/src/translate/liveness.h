// SPDX-License-Identifier: MIT
//
// Liveness of the flags that are kept in the frame.
//
// PF and AF cost a store each time they are written, and few instructions read them: jp, setp,
// cmovp, lahf and pushf. Control flow out of the given instructions counts as a reader.
#pragma once

#include <cstdint>
#include <map>

#include "translate/decoder.h"

namespace mtetso {

// Sets `lazy_live` of every instruction. Linear in their number.
void find_live_flags(std::map<uint64_t, GuestInstruction>& instructions);

}  // namespace mtetso
