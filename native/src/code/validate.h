// SPDX-License-Identifier: MIT
//
// Checks of what the translator hands over, before anything is changed.
#pragma once

#include <cstdint>

#include "compiled.h"

namespace mtetso {

// Null where `code` is whole, otherwise what is wrong with it: offsets inside and aligned, ranges
// sorted and disjoint and of `functions` known functions, memops sorted and with words that
// decode to what is said of them, fixups on the words that they are to change.
const char* find_fault(const CompiledCode& code, uint32_t functions);

}  // namespace mtetso
