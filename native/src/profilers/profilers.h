// SPDX-License-Identifier: MIT
//
// Translated code in the forms that other tools read. Each begins before the first block, and gets
// every range of code that is published from then on.
#pragma once

#include <string>

namespace mtetso {

// /tmp/perf-PID.map, a line a range: Linux, tools/perf/Documentation/jit-interface.txt. The form
// cannot take code back. Throws StatusError(CannotOpen).
void start_perf_map();

// FOLDER/jit-PID.dump, with the code's bytes: Linux,
// tools/perf/Documentation/jitdump-specification.txt. The form cannot take code back; later code at
// the same address has a later time. Throws StatusError(CannotOpen).
void start_jitdump(const std::string& folder);

// An ELF object in memory for each block, registered and unregistered: GDB's manual, "JIT
// Compilation Interface".
void start_gdb_jit();

}  // namespace mtetso
