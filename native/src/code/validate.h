// SPDX-License-Identifier: MIT
//
// Checks of what the translator hands over, before anything is changed.
#pragma once

#include <cstdint>

#include "compiled.h"

namespace mtetso {

// Null if `code` is consistent, otherwise what is wrong with it. Offsets must be inside and
// aligned, ranges sorted, disjoint and of `functions` known functions, memops sorted and with words
// that decode to what their records say, fixups on the words that they change.
const char* find_fault(const CompiledCode& code, uint32_t functions);

}  // namespace mtetso
