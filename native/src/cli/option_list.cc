// SPDX-License-Identifier: MIT

#include "cli/option_list.h"

#include <charconv>
#include <string>

#include "debug/points.h"
#include "run/schedule.h"
#include "status.h"

namespace mtetso {

void usage(const std::string& what) {
  throw StatusError(Status::Usage, what + " (see mtetso --help)");
}

namespace {

uint32_t number(std::string_view option, std::string_view text, uint32_t low, uint32_t high) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    usage(std::string(option) + " takes a number from " + std::to_string(low) + " to " +
          std::to_string(high) + ", not '" + std::string(text) + "'");
  return value;
}

struct NamedValue {
  const char* name;
  uint32_t value;
};

uint32_t choice(std::string_view option, std::string_view text, std::span<const NamedValue> words) {
  std::string known;
  for (const auto& word : words) {
    if (text == word.name) return word.value;
    known += (known.empty() ? "" : ", ") + std::string(word.name);
  }
  usage(std::string(option) + " is one of " + known + ", not '" + std::string(text) + "'");
}

constexpr NamedValue kPolicies[] = {{"seed", MTEDBG_Policy_Seed},
                                    {"sticky", MTEDBG_Policy_Sticky},
                                    {"interpret", MTEDBG_Policy_Interpret}};
constexpr NamedValue kModes[] = {{"local", MTEDBG_Mode_Local}, {"shared", MTEDBG_Mode_Shared}};
constexpr NamedValue kTags[] = {{"0", 0}, {"15", 15}};
constexpr NamedValue kThreads[] = {{"lockstep", static_cast<uint32_t>(ThreadMode::Lockstep)},
                                   {"threads", static_cast<uint32_t>(ThreadMode::Threads)}};
constexpr NamedValue kScopes[] = {{"function", static_cast<uint32_t>(TierScope::Function)},
                                  {"program", static_cast<uint32_t>(TierScope::Program)}};

constexpr NamedValue kCoreIds[] = {{"pinned", MTEDBG_CoreIdSource_Pinned},
                                   {"rseq-read", MTEDBG_CoreIdSource_RseqRead},
                                   {"rseq-strict", MTEDBG_CoreIdSource_RseqStrict},
                                   {"lockstep", MTEDBG_CoreIdSource_Lockstep}};

using View = std::string_view;

constexpr Option kOptions[] = {
    {"--policy", "seed|sticky|interpret",
     "what the fault handler does (default sticky: shared memory stays shared)",
     [](Options& o, View n, View v) { o.policy = choice(n, v, kPolicies); }},
    {"--shared-tag", "0|15", "tag of shared memory; cores have the others (default 0)",
     [](Options& o, View n, View v) { o.shared_tag = choice(n, v, kTags); }},
    {"--cores", "N",
     "cores that guest threads are spread over (default 2; with an rseq core id those of the "
     "machine). Fourteen can have memory of their own; of more than that, thirteen (policy seed: "
     "fifteen and fourteen)",
     [](Options& o, View n, View v) {
       o.cores = number(n, v, 1, Schedule::kMaxCores);
       o.cores_given = true;
     }},
    {"--threads", "lockstep|threads",
     "lockstep: guest threads take turns on one host thread, repeatably (default); threads: a "
     "host thread for each",
     [](Options& o, View n, View v) {
       o.threads = static_cast<ThreadMode>(choice(n, v, kThreads));
     }},
    {"--core-id", "pinned|rseq-read|rseq-strict|lockstep",
     "where threads have their core's id from: each is pinned to a processor (default); each "
     "memory "
     "access asks the kernel; each is also restarted when the kernel interrupts it; or the "
     "schedule (default, and alone possible, with --threads lockstep)",
     [](Options& o, View n, View v) { o.core_id_source = choice(n, v, kCoreIds); }},
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
    {"--claim-threshold", "N",
     "faults after which sticky makes a memop local again where memory is its core's, and takes "
     "shared memory for its core; such changes count as flips (default 0: never)",
     [](Options& o, View n, View v) { o.claim_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--interpret-threshold", "N",
     "faults after which interpret patches a memop as sticky does (default 0: never)",
     [](Options& o, View n, View v) { o.interpret_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--trace", "FILE",
     "writes all that happens to FILE, in order, with every turn of lockstep (debug/trace.h)",
     [](Options& o, View, View v) { o.trace = v; }},
    {"--tier-up", "N",
     "makes better code of a function, from what its memops have been through, when it was entered "
     "or went around a loop N times (default 0: never)",
     [](Options& o, View n, View v) { o.tier_up = number(n, v, 0, INT32_MAX); }},
    {"--tier-scope", "function|program",
     "what better code is made of: the function that asks (default), or the whole program",
     [](Options& o, View n, View v) {
       o.tier_scope = static_cast<TierScope>(choice(n, v, kScopes));
     }},
    {"--profile-out", "FILE", "writes what the memops have been through at the end",
     [](Options& o, View, View v) { o.profile_out = v; }},
    {"--profile-in", "FILE",
     "makes the best code at once from a profile of an earlier run of the same program",
     [](Options& o, View, View v) { o.profile_in = v; }},
    {"--code-cache", "DIR", "keeps translated code there, as it was compiled, for the next run",
     [](Options& o, View, View v) { o.code_cache = v; }},
    {"--abort-at", "POINT[:N]",
     "dies when a named point in the life of code is reached for the Nth time (default 1), to "
     "leave a core of that moment; a wrong name lists them",
     [](Options& o, View, View v) { o.abort_at = v; }},
};

}  // namespace

std::span<const Option> option_list() { return kOptions; }

namespace {

void check_core_ids(const Options& options) {
  const bool lockstep = options.core_id_source == MTEDBG_CoreIdSource_Lockstep;
  if (lockstep != (options.threads == ThreadMode::Lockstep))
    usage(lockstep ? "--core-id lockstep is for --threads lockstep"
                   : "with --threads lockstep the schedule says who is on which core: --core-id " +
                         std::string("goes with --threads threads"));
  if (reads_rseq(options) && options.cores_given)
    usage("with an rseq core id the cores are the machine's: --cores is for the others");
}

void check_thresholds(const Options& options) {
  if (options.claim_threshold != 0 && options.policy != MTEDBG_Policy_Sticky)
    usage("--claim-threshold is for --policy sticky");
  if (options.interpret_threshold != 0 && options.policy != MTEDBG_Policy_Interpret)
    usage("--interpret-threshold is for --policy interpret");
}

}  // namespace

void complete_options(Options& options) {
  if (options.guest.empty()) usage("no guest program given");
  if (!options.abort_at.empty() && !find_point(options.abort_at))
    usage("--abort-at takes POINT or POINT:N, of these: " + point_names(", "));
  auto schedule = Schedule::parse(options.schedule, first_core_id(options.shared_tag));
  if (options.threads == ThreadMode::Threads && !options.schedule.empty())
    usage("--schedule is for --threads lockstep");
  options.scheduled_cores = schedule.highest_core() + 1;
  if (options.core_id_source == 0)
    options.core_id_source = options.threads == ThreadMode::Lockstep ? MTEDBG_CoreIdSource_Lockstep
                                                                     : MTEDBG_CoreIdSource_Pinned;
  check_core_ids(options);
  check_thresholds(options);
}

}  // namespace mtetso
