// SPDX-License-Identifier: MIT
//
// Which of the flags that are kept in the frame somebody may still read.
//
// PF and AF cost a store each time they are written, and next to nobody reads them: jp, setp,
// cmovp, lahf and pushf. What leaves the instructions at hand counts as a reader.
#pragma once

#include <cstdint>
#include <map>

#include "translate/decoder.h"

namespace mtetso {

// Sets `lazy_live` of every instruction. Linear in their number.
void find_live_flags(std::map<uint64_t, GuestInstruction>& instructions);

}  // namespace mtetso
