// SPDX-License-Identifier: MIT
//
// execve: the program goes into this runtime again, with the same options.
#pragma once

#include <string>
#include <vector>

#include "linux/call.h"
#include "linux/paths.h"
#include "options.h"

namespace mtetso {

// How the runtime itself was started: by an emulator with its options, or by nothing.
struct Launcher {
  std::string program;             // what is to be executed
  std::vector<std::string> words;  // its arguments before those of the runtime
};
// `count`: how many words the runtime's own command line has.
Launcher find_launcher(size_t count);

// What the kernel would run for `path` (on the host): its interpreters, for a script.
struct Executable {
  std::string path;
  std::vector<std::string> before;  // goes before the arguments, instead of the first one
};
// 0 or the error, as execve gives it.
int find_executable(const std::string& path, const Paths& paths, Executable& found);
// Where the options name a script, they name its interpreter from now on, with the words that the
// kernel would give it. Throws StatusError if it has none that is a program for x86-64.
void enter_script(Options& options);

// In the new runtime, when the program is mapped: closes the descriptor that led to it alone.
void close_after_exec(const Options& options);

CallResult execve(Call& call);
CallResult execveat(Call& call);

}  // namespace mtetso
