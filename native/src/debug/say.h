// SPDX-License-Identifier: MIT
//
// Lines of the runtime's own on standard error: as it was when the first program was started,
// whatever the guest has made of descriptor 2 since. What the guest has opened there gets none.
#pragma once

#include <string>
#include <string_view>

namespace mtetso {

// Before the guest runs. `first`: what named_standard_error() said in the runtime that was started
// first; empty in that one itself.
void note_standard_error(const std::string& first);
// Which file it is, for execve; empty where nobody knows.
std::string named_standard_error();
// Before descriptor 2 becomes another file, or none: the first program's runtime keeps a descriptor
// of its own. Those of programs that it forks or executes do not, and say nothing from then on: who
// reads from a pipe would wait for them.
void keep_standard_error();
// In a child process.
void give_up_standard_error();

// Writes `text`, whole lines.
void say_text(std::string_view text);
// Writes "mtetso: ", `what` and the end of the line.
void say(const std::string& what);

}  // namespace mtetso
