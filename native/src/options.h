// SPDX-License-Identifier: MIT
//
// The runtime's options, as the command line gives them. Read-only once the guest runs.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mtetso {

enum class ThreadMode { Lockstep, Threads };
enum class TierScope { Function, Program };

struct Options {
  uint32_t policy = MTEDBG_Policy_Follow;
  bool policy_given = false;
  uint32_t shared_tag = 0;  // 0 with cores 1..15, 15 with cores 0..14
  uint32_t cores = 2;       // cores that guest threads are spread over
  bool cores_given = false;
  uint32_t scheduled_cores = 0;  // one more than the highest core number in `schedule`
  ThreadMode threads = ThreadMode::Lockstep;
  std::string schedule;  // lockstep: "seed:7", or as written: "1@1*4,2@2*4" (see schedule.h)
  uint32_t memops_start = MTEDBG_Mode_Local;
  uint32_t data_start =
      MTEDBG_Mode_Local;             // the image's data: local to its loader's core, or shared
  bool nobodys_memory = false;       // all memory has the guard tag: every access faults
  uint32_t core_id_source = 0;       // MTEDBG_CoreIdSource_*; 0: the default for `threads`
  uint32_t pin_threshold = 8;        // flips after which `sticky` pins a memop to shared
  uint32_t claim_threshold = 0;      // faults after which `sticky` takes memory back; 0: never
  uint32_t interpret_threshold = 0;  // faults after which `interpret` does as sticky; 0: never
  uint32_t step = 0;                 // guest instructions between polls; 0: at block leaders only
  bool handler = true;   // false: no fault handler, the first tag check fault is the last
  std::string abort_at;  // "NAME[:N]": abort at a named point (debug/points.h); empty: nowhere
  std::string trace;     // file that gets every event (debug/trace.h); empty: none
  std::optional<std::string> argv0;  // what a Linux program has as argv[0] instead of its path
  bool executed = false;             // the runtime was started by another one, for execve
  uint32_t executed_before = 0;      // programs of this process that have profiles named by its id
  std::string exec_name;             // what execve was given; empty: the program's path (see guest)
  std::string standard_error;        // which file it was when the first runtime began (debug/say.h)
  std::vector<std::string> words;    // its own options, for execve
  size_t word_count = 0;             // of its whole command line
  std::string sysroot;      // folder that a Linux program's absolute paths are looked up in first
  std::string trace_calls;  // file that gets a Linux program's system calls; "-": stderr
  uint32_t tier_up = 0;     // ticks of a function's baseline code until it is optimised; 0: never
  TierScope tier_scope = TierScope::Function;
  bool count = false;            // executions of memops are counted
  std::string profile_in;        // files; empty: none
  std::string profile_out;       // %p in it is the process id
  uint32_t profile_every = 0;    // seconds between profiles; 0: only at the end
  bool profile_summary = false;  // one line at the end
  bool perf_map = false;         // code in other tools' forms (profilers/profilers.h)
  std::string jitdump;           // folder; empty: none
  bool gdb_jit = false;
  std::string code_cache;  // folder; empty: none
  std::string guest;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // of a Linux program: "NAME=VALUE", or "NAME" to remove it
};

// Where threads own memory: more of them than there are tags may be alive at once, so that one tag
// belongs to nobody.
inline constexpr uint32_t kMostOwners = 16;

constexpr bool reads_rseq(const Options& options) {
  return options.core_id_source == MTEDBG_CoreIdSource_RseqRead ||
         options.core_id_source == MTEDBG_CoreIdSource_RseqStrict;
}

// Whether memops have an out-of-line form. With an rseq core id they have none: reading the id and
// the access have to be one critical section there.
constexpr bool has_out_of_line(const Options& options) {
  return options.policy == MTEDBG_Policy_Follow && !reads_rseq(options);
}

// The lowest core id. A core's id, wherever users see one, is its HostCoreId: the tag of its local
// memory where it has one (1..15 with shared 0, 0..14 with shared 15). Number n has id n + first.
constexpr uint32_t first_core_id(uint32_t shared_tag) { return shared_tag == 0 ? 1 : 0; }

// How the sixteen tags are assigned. One is for shared memory. With policy seed all others belong
// to cores. The sound policies keep the last one as a guard: no pointer has it, and memory has it
// only while its owner changes. If there are more cores than tags left, one more tag belongs to no
// core: pointers of all cores without a tag of their own have it, no memory has it, and so each
// plain access of such a core faults. Everything that these cores touch becomes shared.
struct CoreTags {
  static constexpr uint32_t kNone = 16;

  uint32_t shared = 0;
  uint32_t first = 1;
  uint32_t tagged = 14;  // cores with a tag of their own: the numbers below this
  uint32_t nobody = kNone;
  uint32_t guard = 15;
  bool nobodys_memory = false;  // memory is handed out with the guard tag

  // The tag in pointers of core number `core`, counted from 0.
  constexpr uint32_t of(uint32_t core) const { return first + (core < tagged ? core : tagged); }
  constexpr bool operator==(const CoreTags&) const = default;
};

constexpr CoreTags core_tags(uint32_t shared_tag, uint32_t cores, uint32_t policy) {
  const uint32_t first = first_core_id(shared_tag);
  const uint32_t most = policy == MTEDBG_Policy_Seed ? 15 : 14;
  CoreTags tags{shared_tag, first, most, CoreTags::kNone, first + 14};
  if (cores > most) {
    tags.tagged = most - 1;
    tags.nobody = first + tags.tagged;
  }
  return tags;
}

constexpr CoreTags core_tags(const Options& options) {
  const uint32_t cores =
      options.cores < options.scheduled_cores ? options.scheduled_cores : options.cores;
  CoreTags tags = core_tags(options.shared_tag, cores, options.policy);
  tags.nobodys_memory = options.nobodys_memory;
  return tags;
}

}  // namespace mtetso
