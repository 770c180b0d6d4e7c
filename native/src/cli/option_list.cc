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
                                    {"interpret", MTEDBG_Policy_Interpret},
                                    {"follow", MTEDBG_Policy_Follow}};
constexpr NamedValue kStarts[] = {
    {"local", MTEDBG_Mode_Local}, {"shared", MTEDBG_Mode_Shared}, {"nobody", 0}};
constexpr NamedValue kModes[] = {
    {"local", MTEDBG_Mode_Local}, {"shared", MTEDBG_Mode_Shared}, {"either", MTEDBG_Mode_Either}};
constexpr NamedValue kTags[] = {{"0", 0}, {"15", 15}};
constexpr NamedValue kThreads[] = {{"lockstep", static_cast<uint32_t>(ThreadMode::Lockstep)},
                                   {"threads", static_cast<uint32_t>(ThreadMode::Threads)}};
constexpr NamedValue kScopes[] = {{"function", static_cast<uint32_t>(TierScope::Function)},
                                  {"program", static_cast<uint32_t>(TierScope::Program)}};

constexpr NamedValue kCoreIds[] = {{"thread", MTEDBG_CoreIdSource_Thread},
                                   {"pinned", MTEDBG_CoreIdSource_Pinned},
                                   {"rseq-read", MTEDBG_CoreIdSource_RseqRead},
                                   {"rseq-strict", MTEDBG_CoreIdSource_RseqStrict},
                                   {"lockstep", MTEDBG_CoreIdSource_Lockstep}};

using View = std::string_view;

constexpr Option kOptions[] = {
    {"--policy", "seed|sticky|interpret|follow",
     "what the handler of tag check faults does (default follow: shared memory stays shared, and "
     "an "
     "access that meets both kinds of memory follows the memory's tag, out of line). sticky: an "
     "ordered access that meets its own memory makes it shared, and code is smaller; with an rseq "
     "core id follow is the same. interpret: the handler does the access; seed: as first proposed, "
     "which is not sound",
     [](Options& o, View n, View v) {
       o.policy = choice(n, v, kPolicies);
       o.policy_given = true;
     }},
    {"--shared-tag", "0|15", "tag of shared memory; cores have the others (default 0)",
     [](Options& o, View n, View v) { o.shared_tag = choice(n, v, kTags); }},
    {"--cores", "N",
     "number of cores that guest threads are spread over (default 2; with an rseq core id, the "
     "machine's; with --threads threads they are pinned to that many). Up to 14 cores have local "
     "memory each; if there are more, 13 of them have "
     "(policy seed: 15 and 14)",
     [](Options& o, View n, View v) {
       o.cores = number(n, v, 1, Schedule::kMaxCores);
       o.cores_given = true;
     }},
    {"--threads", "lockstep|threads",
     "lockstep: guest threads take turns on one host thread, repeatably (default); threads: a "
     "host thread for each guest thread",
     [](Options& o, View n, View v) {
       o.threads = static_cast<ThreadMode>(choice(n, v, kThreads));
     }},
    {"--core-id", "thread|pinned|rseq-read|rseq-strict|lockstep",
     "what owns local memory, and how a thread knows it. thread: the thread itself, wherever it "
     "runs (default); pinned: its core, each thread is pinned to a processor (the default with "
     "--cores); "
     "rseq-read: each memory access reads the core id that the kernel maintains, and a thread that "
     "is moved right after that accesses with another core's tag, which is not sound; rseq-strict: "
     "in addition, an access that the kernel interrupts is restarted; lockstep: the schedule "
     "decides "
     "(the default, and the only choice, with --threads lockstep)",
     [](Options& o, View n, View v) { o.core_id_source = choice(n, v, kCoreIds); }},
    {"--schedule", "S",
     "the order of turns with --threads lockstep. 'T@C*N,…': thread T (from 1) runs on core C "
     "(from 1; with --shared-tag 15 from 0) for N polls; 'seed:N': pseudo-random (default: round "
     "robin)",
     [](Options& o, View, View v) { o.schedule = v; }},
    {"--step", "N",
     "guest instructions between polls (default 0: polls at the start of basic blocks only)",
     [](Options& o, View n, View v) { o.step = number(n, v, 0, 1000000); }},
    {"--memops-start", "local|shared|either",
     "mode of a new memop (default local); either, with policy follow: for both kinds of memory",
     [](Options& o, View n, View v) { o.memops_start = choice(n, v, kModes); }},
    {"--data-start", "local|shared|nobody",
     "whose the data of a program is when it is loaded: local to the core of the thread that loads "
     "it (default), or shared. nobody: and so is all memory, for ever, so that every access faults "
     "and is interpreted; with --trace this records who accesses what (needs --policy interpret)",
     [](Options& o, View n, View v) {
       o.data_start = choice(n, v, kStarts);
       o.nobodys_memory = o.data_start == 0;
     }},
    {"--pin-threshold", "N", "flips after which policy sticky pins a memop to shared (default 8)",
     [](Options& o, View n, View v) { o.pin_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--claim-threshold", "N",
     "faults after which policy sticky makes a memop local again if its core owns the memory, and "
     "claims shared memory for its core; such changes count as flips (default 0: never; any other "
     "makes sticky the default policy)",
     [](Options& o, View n, View v) { o.claim_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--interpret-threshold", "N",
     "faults after which policy interpret patches a memop as sticky does (default 0: never)",
     [](Options& o, View n, View v) { o.interpret_threshold = number(n, v, 0, UINT32_MAX); }},
    {"--trace", "FILE",
     "writes every event to FILE, in order, and every turn of lockstep (format: debug/trace.h)",
     [](Options& o, View, View v) { o.trace = v; }, Value::File},
    {"--argv0", "NAME", "what a Linux program has as its argv[0] (default: its path)",
     [](Options& o, View, View v) { o.argv0 = v; }},
    {"--executed", "N",
     "execve gives it: the process has had another program, whose traces go on, and N "
     "with profiles that its id names",
     [](Options& o, View n, View v) {
       o.executed = true;
       o.executed_before = number(n, v, 0, UINT32_MAX);
     }},
    {"--exec-name", "PATH",
     "execve gives it: what it was given, where that is a script, or not the program's path",
     [](Options& o, View, View v) { o.exec_name = v; }},
    {"--standard-error", "FILE",
     "execve gives it: device and inode of standard error when the first program was started; "
     "the runtime says nothing where it is another file by now",
     [](Options& o, View, View v) { o.standard_error = v; }},
    {"--sysroot", "DIR",
     "looks absolute paths of a Linux program up in DIR first: its interpreter, its libraries",
     [](Options& o, View, View v) { o.sysroot = v; }, Value::File},
    {"--env", "NAME[=VALUE]",
     "sets a variable of a Linux program's environment, which is the runtime's own otherwise; "
     "without a value: removes it; may be given several times",
     [](Options& o, View, View v) { o.environment.emplace_back(v); }},
    {"--trace-calls", "FILE|-",
     "writes each system call of a Linux program to FILE, or to standard error",
     [](Options& o, View, View v) { o.trace_calls = v; }, Value::File},
    {"--tier-up", "N",
     "compiles optimised code of a function, using the history of its memops, after N entries and "
     "loop iterations (default 0: never)",
     [](Options& o, View n, View v) { o.tier_up = number(n, v, 0, INT32_MAX); }},
    {"--tier-scope", "function|program",
     "what is compiled then: the function (default), or the whole program",
     [](Options& o, View n, View v) {
       o.tier_scope = static_cast<TierScope>(choice(n, v, kScopes));
     }},
    {"--count", nullptr,
     "counts how often each memory access is executed: five instructions for each basic block. "
     "Debuggers show it; --profile-out and --profile-summary do it anyway",
     [](Options& o, View, View) { o.count = true; }},
    {"--profile-out", "FILE",
     "writes the history of all memops to FILE when the guest ends, or is ended by SIGHUP, SIGINT "
     "or SIGTERM; %p in FILE is the process id. Without it, processes that it makes write to "
     "FILE.PID. The next program that a process executes writes to FILE.PID.1, and so on",
     [](Options& o, View, View v) { o.profile_out = v; }, Value::File},
    {"--profile-every", "N", "writes the profile every N seconds as well (default 0: never)",
     [](Options& o, View n, View v) { o.profile_every = number(n, v, 0, 1000000); }},
    {"--profile-summary", nullptr,
     "says at the end how many accesses touched memory of one owner only, and how many "
     "instructions need order",
     [](Options& o, View, View) { o.profile_summary = true; }},
    {"--profile-in", "FILE",
     "compiles optimised code at once, from FILE: a profile of an earlier run of the same program",
     [](Options& o, View, View v) { o.profile_in = v; }, Value::File},
    {"--perf-map", nullptr, "writes the names of translated code to /tmp/perf-PID.map, for perf",
     [](Options& o, View, View) { o.perf_map = true; }},
    {"--jitdump", "DIR",
     "writes translated code with its names to DIR/jit-PID.dump, for perf inject --jit",
     [](Options& o, View, View v) { o.jitdump = v; }, Value::File},
    {"--gdb-jit", nullptr,
     "registers translated code with GDB's JIT interface: GDB has its names without mtedbg, and "
     "slows down with each block",
     [](Options& o, View, View) { o.gdb_jit = true; }},
    {"--code-cache", "DIR", "keeps translated code in DIR, as it was compiled, for the next run",
     [](Options& o, View, View v) { o.code_cache = v; }, Value::File},
    {"--no-handler", nullptr,
     "installs no fault handler: the first tag check fault ends the process",
     [](Options& o, View, View) { o.handler = false; }},
    {"--abort-at", "POINT[:N]",
     "aborts when a named point is reached for the Nth time (default 1), to leave a core file of "
     "that moment; the message for an unknown name lists all points",
     [](Options& o, View, View v) { o.abort_at = v; }},
};

}  // namespace

std::span<const Option> option_list() { return kOptions; }

namespace {

uint32_t usual_core_ids(const Options& options) {
  if (options.threads == ThreadMode::Lockstep) return MTEDBG_CoreIdSource_Lockstep;
  return options.cores_given ? MTEDBG_CoreIdSource_Pinned : MTEDBG_CoreIdSource_Thread;
}

void check_core_ids(const Options& options) {
  const bool lockstep = options.core_id_source == MTEDBG_CoreIdSource_Lockstep;
  if (lockstep != (options.threads == ThreadMode::Lockstep))
    usage(lockstep ? "--core-id lockstep needs --threads lockstep"
                   : "with --threads lockstep the schedule decides who runs on which core; other "
                     "core ids need --threads threads");
  if (reads_rseq(options) && options.cores_given)
    usage("--cores cannot be given with an rseq core id: the cores are the machine's");
  if (options.core_id_source == MTEDBG_CoreIdSource_Thread && options.cores_given)
    usage("--cores cannot be given with --core-id thread: threads own memory then");
}

void check_policy(const Options& options) {
  if (options.nobodys_memory &&
      (options.policy != MTEDBG_Policy_Interpret || options.interpret_threshold != 0))
    usage("--data-start nobody needs --policy interpret, without a threshold");
  if (options.memops_start == MTEDBG_Mode_Either && !has_out_of_line(options))
    usage("--memops-start either needs --policy follow, without an rseq core id");
  if (options.claim_threshold != 0 && options.policy != MTEDBG_Policy_Sticky)
    usage("--claim-threshold needs --policy sticky");
  if (options.interpret_threshold != 0 && options.policy != MTEDBG_Policy_Interpret)
    usage("--interpret-threshold needs --policy interpret");
}

}  // namespace

void complete_options(Options& options) {
  if (options.guest.empty()) usage("no guest program given");
  if (!options.abort_at.empty() && !find_point(options.abort_at))
    usage("--abort-at takes POINT or POINT:N, of these: " + point_names(", "));
  auto schedule = Schedule::parse(options.schedule, first_core_id(options.shared_tag));
  if (options.threads == ThreadMode::Threads && !options.schedule.empty())
    usage("--schedule needs --threads lockstep");
  options.scheduled_cores = schedule.highest_core() + 1;
  if (options.core_id_source == 0) options.core_id_source = usual_core_ids(options);
  if (options.claim_threshold != 0 && !options.policy_given) options.policy = MTEDBG_Policy_Sticky;
  check_core_ids(options);
  check_policy(options);
  if (options.profile_every != 0 && options.profile_out.empty())
    usage("--profile-every needs --profile-out");
  options.count = options.count || !options.profile_out.empty() || options.profile_summary;
}

}  // namespace mtetso
