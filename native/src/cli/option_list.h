// SPDX-License-Identifier: MIT
//
// The options of the command line: one row each, with its text in --help.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "options.h"

namespace mtetso {

// What an option's value is.
enum class Value {
  Word,
  File,  // of a file or folder: of the folder where the runtime was started, wherever the guest
         // goes
};

struct Option {
  const char* name;
  const char* value;  // as --help shows it; null: it takes none
  const char* text;   // one paragraph; --help breaks its lines
  // Throws StatusError(Usage).
  void (*set)(Options& options, std::string_view name, std::string_view value);
  Value kind = Value::Word;
};

std::span<const Option> option_list();

// Throws StatusError(Usage) with a hint at --help.
[[noreturn]] void usage(const std::string& what);

// Sets defaults that depend on other options, and rejects contradictions.
// Throws StatusError(Usage).
void complete_options(Options& options);

}  // namespace mtetso
