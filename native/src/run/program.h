// SPDX-License-Identifier: MIT
//
// A guest program: its image, its functions, and the code translated from it, by tier.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "cache/code_cache.h"
#include "code/code.h"
#include "guest/elf_image.h"
#include "options.h"
#include "profile/profile.h"
#include "run/program_source.h"
#include "translate/stubs.h"
#include "translate/translator.h"

namespace mtetso {

// Shared by all programs of a process.
struct ProgramEnvironment {
  const Options& options;
  ImportNumber import_number;
  CodePages& code_pages;
  uintptr_t call_guest = 0;          // the shared stub, for entry stubs
  const Profile* profile = nullptr;  // from an earlier run
  const CodeCache* cache = nullptr;
  // Shared while code is made, from reading the guest's bytes until it is published; exclusive
  // while they change.
  std::shared_mutex& sources;
};

class Program {
 public:
  // Registers the functions; nothing is translated yet. `environment` outlives the program. `path`:
  // of its file; empty for memory of no file.
  Program(const ProgramEnvironment& environment, ElfImage image, std::string path);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Makes the import thunks and tier 1: from the cache or by translation; with a profile of this
  // program, the optimised tier at once. Throws StatusError, CodeError.
  void init();

  bool holds(uint64_t rip) const { return rip >= begin_ && rip < end_; }
  const ElfImage& image() const { return image_; }
  // Of its file; empty for memory of no file.
  const std::string& path() const { return path_; }
  Code& code() { return code_; }
  const Code& code() const { return code_; }

  // Translates code that no symbol leads to: stripped guests, targets of jump tables. Returns the
  // host entry. Throws StatusError if there is no guest code.
  uintptr_t translate_at(uint64_t rip);

  bool has_code(uint64_t rip) const { return !ended_.load() && source_.end_at(rip) != rip; }
  // It was unloaded: no code is made any more. With ProgramEnvironment::sources held exclusively.
  void end() { ended_.store(true); }

  // Retires what was made from the guest's bytes in [begin, end); returns the number of blocks.
  // With ProgramEnvironment::sources held exclusively.
  size_t forget(uint64_t begin, uint64_t end, std::string_view reason);

  // The index, in the code manager, of the function that holds `rip`; kNoFunction if there is none.
  uint32_t function_at(uint64_t rip) const;

  // Requests optimised code for a function, or for all with kNoFunction. False if it was requested
  // already, or exists, or the guest may write to the function.
  bool request(uint32_t function);

  // Compiles optimised code, using the history of the memops: for one function, or for all. The
  // functions' tier states show the progress. False if it failed; it can be requested again.
  bool optimise(uint32_t function);
  bool optimise_all();

  // Why the profile of an earlier run has nothing of it; empty if it has, or there is none.
  std::string why_not_known() const;

  // The history of the memops so far, those of blocks included that are gone.
  ProgramProfile profile() const;
  // In a child by fork: what ran before is counted by the process that ran it.
  void count_anew();

  // As Code::reclaim().
  void reclaim(uint64_t epoch);

  Refusal refusal(uint64_t rip, uint8_t& length) const { return translator_.refusal(rip, length); }

  // "0x401000: f2 0f 7c c1  haddps xmm0, xmm1", for messages.
  std::string describe(uint64_t rip) const { return translator_.describe(rip); }
  // As Engine::whole_address().
  uint64_t whole_address(const Frame& frame, uint64_t low) const {
    return translator_.whole_address(frame, low);
  }

 private:
  TranslationUnit unit_of(uint64_t rip) const;
  TranslationUnit unit_of(const ElfFunction& function) const;
  // The functions that nobody can write to; others are translated when they are reached.
  std::vector<TranslationUnit> all_units() const;
  // What earlier runs have learned of it; null if there is nothing.
  const ProgramProfile* earlier() const;
  TranslationPlan plan(bool optimised, const ProgramProfile* known) const;
  CompiledCode first_tier(const TranslationPlan& plan, const ProgramProfile* known);
  CompiledCode translate_all(const TranslationPlan& plan) const;
  CacheKey cache_key(const ProgramProfile* known) const;
  void renumber(CompiledCode& code, bool to_process) const;
  const char* fault_of(const CompiledCode& code) const;
  bool compile(std::span<const uint32_t> functions, const std::vector<TranslationUnit>& units,
               Span span);

  const ProgramEnvironment& environment_;
  const ElfImage image_;
  const ProgramSource source_;
  const std::string path_;
  const std::string name_;
  const uint64_t begin_;
  const uint64_t end_;
  mutable std::mutex history_lock_;  // taken before code_lock()
  ProgramProfile history_;           // of blocks that are gone
  Translator translator_;
  Code code_;
  std::vector<uint32_t> functions_;  // the code manager's index of image_.functions()[i]; ascending
  std::vector<uint32_t> constant_;   // those that are in all_units()
  const CodeBlock* baseline_ = nullptr;
  std::atomic<bool> ended_{false};
  std::mutex translating_;
  std::mutex requesting_;
};

}  // namespace mtetso
