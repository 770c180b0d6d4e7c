// SPDX-License-Identifier: MIT
//
// The options of the command line: one row each, and what --help says of it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "options.h"

namespace mtetso {

struct Option {
  const char* name;
  const char* value;  // as --help shows it
  const char* text;   // one paragraph; --help breaks its lines
  // Throws StatusError(Usage).
  void (*set)(Options& options, std::string_view name, std::string_view value);
};

std::span<const Option> option_list();

// Throws StatusError(Usage) with a hint at --help.
[[noreturn]] void usage(const std::string& what);

// What no single option can say: defaults that depend on others, and contradictions among them.
// Throws StatusError(Usage).
void complete_options(Options& options);

}  // namespace mtetso
