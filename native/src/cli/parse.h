// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <span>
#include <string>

#include "options.h"

namespace mtetso {

struct CommandLine {
  enum class Action { Run, Help, Version };
  Action action = Action::Run;
  Options options;
};

// `arguments`: without the program's name. Throws StatusError(Usage).
CommandLine parse_command_line(std::span<const char* const> arguments);

std::string help_text();

}  // namespace mtetso
