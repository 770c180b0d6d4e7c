// SPDX-License-Identifier: MIT
//
// What profilers call a range of code: "PROGRAM!FUNCTION", and the tier if it is not the first.
#pragma once

#include <string>
#include <string_view>

#include "code/block.h"

namespace mtetso {

std::string range_name(const CodeBlock& block, const mtedbg_Range& range, std::string_view program);

}  // namespace mtetso
