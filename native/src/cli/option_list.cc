// SPDX-License-Identifier: MIT

#include "cli/option_list.h"

#include <charconv>
#include <string>

#include "debug/points.h"
#include "run/schedule.h"
#include "status.h"

namespace mtetso {
namespace {

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

using View = std::string_view;

constexpr Option kOptions[] = {
    {"--policy", "seed|sticky|interpret",
     "what the fault handler does (default sticky: shared memory stays shared)",
     [](Options& o, View n, View v) { o.policy = choice(n, v, kPolicies); }},
    {"--shared-tag", "0|15", "tag of shared memory; cores have the others (default 0)",
     [](Options& o, View n, View v) { o.shared_tag = choice(n, v, kTags); }},
    {"--cores", "N", "cores that guest threads are spread over (default 2)",
     [](Options& o, View n, View v) { o.cores = number(n, v, 1, Schedule::kMaxCores); }},
    {"--threads", "lockstep|threads",
     "lockstep: guest threads take turns on one host thread, repeatably (default); threads: a "
     "host thread for each",
     [](Options& o, View n, View v) {
       o.threads = static_cast<ThreadMode>(choice(n, v, kThreads));
     }},
    {"--schedule", "S",
     "lockstep: 'T@C*N,…' thread T (from 1) runs on core C (its id: from 1, or from 0 with "
     "--shared-tag 15) for N polls; or 'seed:N', pseudo-random",
     [](Options& o, View, View v) { o.schedule = v; }},
    {"--step", "N",
     "guest instructions between polls (default 0: polls at the start of basic blocks only)",
     [](Options& o, View n, View v) { o.step = number(n, v, 0, 1000000); }},
    {"--memops-start", "local|shared", "form of a new memop (default local)",
     [](Options& o, View n, View v) { o.memops_start = choice(n, v, kModes); }},
    {"--pin-threshold", "N", "flips after which sticky pins a memop (default 8)",
     [](Options& o, View n, View v) { o.pin_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--abort-at", "POINT[:N]",
     "dies when a named point in the life of code is reached for the Nth time (default 1), to "
     "leave a core of that moment; a wrong name lists them",
     [](Options& o, View, View v) { o.abort_at = v; }},
};

}  // namespace

std::span<const Option> option_list() { return kOptions; }

void check_options(const Options& options) {
  if (options.guest.empty()) usage("no guest program given");
  if (!options.abort_at.empty() && !find_point(options.abort_at))
    usage("--abort-at takes POINT or POINT:N, of these: " + point_names(", "));
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

}  // namespace mtetso
