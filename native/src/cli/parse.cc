// SPDX-License-Identifier: MIT

#include "cli/parse.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "cli/option_list.h"

namespace mtetso {
namespace {

constexpr size_t kHelpColumn = 24;
constexpr size_t kHelpWidth = 80;

const Option* find_option(std::string_view name) {
  for (const auto& option : option_list())
    if (name == option.name) return &option;
  return nullptr;
}

// `head` in the left column, `text` in lines next to it.
std::string help_row(std::string head, std::string_view text) {
  if (head.size() + 2 > kHelpColumn) head += '\n', head.append(kHelpColumn, ' ');
  head.resize(std::max(head.size(), kHelpColumn), ' ');
  constexpr size_t kWidth = kHelpWidth - kHelpColumn;
  while (text.size() > kWidth) {
    const size_t end = text.rfind(' ', kWidth);
    head += text.substr(0, end);
    head += '\n';
    head.append(kHelpColumn, ' ');
    text.remove_prefix(end + 1);
  }
  return head + std::string(text) + "\n";
}

// By a program that is executed: it has an argv[0] and an environment of its own.
bool inherited(std::string_view option) {
  constexpr std::string_view kOwn[] = {"--argv0", "--env", "--executed", "--exec-name",
                                       "--standard-error"};
  return std::ranges::find(kOwn, option) == std::end(kOwn);
}

// The name of a file that stays the same where the guest changes its folder, and after execve. Not
// of nothing, nor of "-", which is no file.
std::string from_everywhere(std::string_view path) {
  std::error_code unknown;
  if (path.empty() || path == "-" || path.starts_with('/')) return std::string(path);
  const auto here = std::filesystem::current_path(unknown);
  return unknown ? std::string(path) : (here / path).string();
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  size_t at = 0;
  for (; at < arguments.size(); ++at) {
    std::string_view text = arguments[at];
    if (text == "--") {
      ++at;
      break;
    }
    if (text.size() < 2 || text[0] != '-') break;
    if (text == "--help" || text == "-h") return {CommandLine::Action::Help, {}};
    if (text == "--version") return {CommandLine::Action::Version, {}};
    auto equals = text.find('=');
    const Option* option = find_option(text.substr(0, equals));
    if (option == nullptr) usage("unknown option '" + std::string(text) + "'");
    if (option->value == nullptr) {
      if (equals != std::string_view::npos) usage(std::string(option->name) + " takes no value");
      option->set(line.options, option->name, {});
      if (inherited(option->name)) line.options.words.emplace_back(text);
      continue;
    }
    if (equals == std::string_view::npos && at + 1 == arguments.size())
      usage(std::string(text) + " needs a value: " + option->value);
    const std::string_view word =
        equals == std::string_view::npos ? arguments[++at] : text.substr(equals + 1);
    const std::string value =
        option->kind == Value::File ? from_everywhere(word) : std::string(word);
    option->set(line.options, option->name, value);
    if (inherited(option->name))
      line.options.words.insert(line.options.words.end(), {option->name, value});
  }
  if (at < arguments.size()) line.options.guest = arguments[at++];
  for (; at < arguments.size(); ++at) line.options.arguments.emplace_back(arguments[at]);
  line.options.word_count = arguments.size() + 1;
  complete_options(line.options);
  return line;
}

std::string help_text() {
  std::string text =
      "usage: mtetso [options] program [arguments]\n\n"
      "Runs an x86-64 Linux program, or a guest of the runtime's own, on AArch64 with memory\n"
      "tagging. Memory is local to a thread or core, or shared; the handler of tag check\n"
      "faults patches memory accesses between plain and TSO forms.\n\n";
  for (const auto& option : option_list())
    text += help_row(std::string("  ") + option.name +
                         (option.value == nullptr ? "" : std::string(" ") + option.value),
                     option.text);
  return text +
         "  --help, --version\n\n"
         "exit status: the guest's own, or\n"
         "  64  wrong usage\n"
         "  65  neither an ELF nor a script, malformed, truncated\n"
         "  66  the guest cannot be opened, or a file that an option names\n"
         "  67  an ELF for another machine, or not an executable\n"
         "  68  the guest reached an unsupported instruction\n"
         "  69  this machine has no memory tagging\n"
         "  70  internal error\n"
         "  71  the guest's own fault: a bad address, a division by zero, a deadlock\n"
         "  72  no restartable sequences, which the chosen core id needs\n";
}

}  // namespace mtetso
