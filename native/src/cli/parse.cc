// SPDX-License-Identifier: MIT

#include "cli/parse.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "run/schedule.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr size_t kHelpColumn = 24;
constexpr uint32_t kTaggedCores = 15;  // one of sixteen tags is the shared one

[[noreturn]] void usage(const std::string& what) {
  throw StatusError(Status::Usage, what + " (see mtetso --help)");
}

uint32_t number(std::string_view option, std::string_view text, uint32_t low, uint32_t high) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    usage(std::string(option) + " takes a number from " + std::to_string(low) + " to " +
          std::to_string(high) + ", not '" + std::string(text) + "'");
  return value;
}

struct Word {
  const char* name;
  uint32_t value;
};

uint32_t choice(std::string_view option, std::string_view text, std::span<const Word> words) {
  std::string known;
  for (const auto& word : words) {
    if (text == word.name) return word.value;
    known += (known.empty() ? "" : ", ") + std::string(word.name);
  }
  usage(std::string(option) + " is one of " + known + ", not '" + std::string(text) + "'");
}

constexpr Word kPolicies[] = {{"seed", MTEDBG_Policy_Seed},
                              {"sticky", MTEDBG_Policy_Sticky},
                              {"interpret", MTEDBG_Policy_Interpret}};
constexpr Word kModes[] = {{"local", MTEDBG_Mode_Local}, {"shared", MTEDBG_Mode_Shared}};
constexpr Word kTags[] = {{"0", 0}, {"15", 15}};
constexpr Word kThreads[] = {{"lockstep", static_cast<uint32_t>(ThreadMode::Lockstep)},
                             {"threads", static_cast<uint32_t>(ThreadMode::Threads)}};

struct Option {
  const char* name;
  const char* value;  // as --help shows it
  const char* text;
  void (*set)(Options& options, std::string_view name, std::string_view value);
};

constexpr Option kOptions[] = {
    {"--policy", "seed|sticky|interpret",
     "what the fault handler does (default sticky:\n"
     "                        shared memory stays shared)",
     [](Options& o, std::string_view n, std::string_view v) {
       o.policy = choice(n, v, kPolicies);
     }},
    {"--shared-tag", "0|15", "tag of shared memory; cores have the others (default 0)",
     [](Options& o, std::string_view n, std::string_view v) {
       o.shared_tag = choice(n, v, kTags);
     }},
    {"--cores", "N", "cores that guest threads are spread over (default 2)",
     [](Options& o, std::string_view n, std::string_view v) {
       o.cores = number(n, v, 1, Schedule::kMaxCores);
     }},
    {"--threads", "lockstep|threads",
     "lockstep: guest threads take turns on one host\n"
     "                        thread, repeatably (default); threads: a pinned host\n"
     "                        thread for each",
     [](Options& o, std::string_view n, std::string_view v) {
       o.threads = static_cast<ThreadMode>(choice(n, v, kThreads));
     }},
    {"--schedule", "S",
     "lockstep: 'T@C*N,…' thread T (from 1) runs on core C\n"
     "                        (its id: from 1, or from 0 with --shared-tag 15) for\n"
     "                        N polls; or 'seed:N', pseudo-random",
     [](Options& o, std::string_view, std::string_view v) { o.schedule = v; }},
    {"--step", "N",
     "guest instructions between polls (default 0: polls\n"
     "                        at the start of basic blocks only)",
     [](Options& o, std::string_view n, std::string_view v) { o.step = number(n, v, 0, 1000000); }},
    {"--memops-start", "local|shared", "form of a new memop (default local)",
     [](Options& o, std::string_view n, std::string_view v) {
       o.memops_start = choice(n, v, kModes);
     }},
    {"--pin-threshold", "N", "flips after which sticky pins a memop (default 8)",
     [](Options& o, std::string_view n, std::string_view v) {
       o.pin_threshold = number(n, v, 0, UINT32_MAX);
     }},
};

const Option* find_option(std::string_view name) {
  for (const auto& option : kOptions)
    if (name == option.name) return &option;
  return nullptr;
}

void check(const Options& options) {
  if (options.guest.empty()) usage("no guest program given");
  auto schedule = Schedule::parse(options.schedule, first_core_id(options.shared_tag));
  if (options.threads == ThreadMode::Threads && !options.schedule.empty())
    usage("--schedule is for --threads lockstep");
  bool untagged = options.cores > kTaggedCores || schedule.highest_core() >= kTaggedCores;
  bool may_be_local =
      options.memops_start == MTEDBG_Mode_Local || options.policy == MTEDBG_Policy_Seed;
  if (untagged && may_be_local)
    usage(
        "a core beyond the fifteenth has no tag of its own, and a local memop there would go "
        "unnoticed: use --memops-start shared and a policy other than seed");
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
    if (text == "--no-handler") {
      line.options.handler = false;
      continue;
    }
    auto equals = text.find('=');
    const Option* option = find_option(text.substr(0, equals));
    if (option == nullptr) usage("unknown option '" + std::string(text) + "'");
    if (equals == std::string_view::npos && at + 1 == arguments.size())
      usage(std::string(text) + " needs a value: " + option->value);
    std::string_view value =
        equals == std::string_view::npos ? arguments[++at] : text.substr(equals + 1);
    option->set(line.options, option->name, value);
  }
  if (at < arguments.size()) line.options.guest = arguments[at++];
  for (; at < arguments.size(); ++at) line.options.arguments.emplace_back(arguments[at]);
  check(line.options);
  return line;
}

std::string help_text() {
  std::string text =
      "usage: mtetso [options] guest.elf [arguments]\n\n"
      "Runs a static x86-64 program on AArch64 with memory tags: memory is local to a core\n"
      "or shared, and memory accesses are patched between plain and TSO forms by the handler\n"
      "of tag check faults.\n\n";
  for (const auto& option : kOptions) {
    std::string head = std::string("  ") + option.name + " " + option.value;
    if (head.size() + 2 > kHelpColumn) head += '\n', head.append(kHelpColumn, ' ');
    head.resize(std::max(head.size(), kHelpColumn), ' ');
    text += head + option.text + "\n";
  }
  return text +
         "  --no-handler          installs no fault handler: the first tag check fault kills\n"
         "  --help, --version\n\n"
         "exit status: the guest's own, or\n"
         "  64  wrong usage\n"
         "  65  not an ELF, malformed, truncated\n"
         "  66  the guest cannot be opened\n"
         "  67  an ELF for another machine, or not a static executable\n"
         "  68  an instruction outside the subset was reached\n"
         "  69  no memory tagging here\n"
         "  70  internal error\n"
         "  71  the guest's own fault: a bad address, a division by zero, a deadlock\n";
}

}  // namespace mtetso
