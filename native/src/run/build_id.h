// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace mtetso {

// The running program's own build id (NT_GNU_BUILD_ID) in hexadecimal; "unknown" if the linker
// wrote none. It changes with every byte of the program.
const std::string& build_id();

}  // namespace mtetso
