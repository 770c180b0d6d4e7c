// SPDX-License-Identifier: MIT
//
// Mapped files that have become shorter: behind their end there is a mapping, and SIGBUS.
#pragma once

#include <cstdint>

namespace mtetso {

// Whether the host can read all of [address, address + length), which is mapped. Async-signal-safe.
bool file_reaches(uint64_t address, uint64_t length);

// For the handler of SIGBUS: where a thread goes on that was reading at `pc` for file_reaches; 0 if
// it was not.
uintptr_t leave_file_reaches(uintptr_t pc);

}  // namespace mtetso
