// SPDX-License-Identifier: MIT
//
// The engine: from a guest address to running code. Owns the programs and their code; knows
// nothing of threads and host functions.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "cache/code_cache.h"
#include "code/code.h"
#include "guest/elf_image.h"
#include "memory/left_right.h"
#include "options.h"
#include "profile/profile.h"
#include "run/enter.h"
#include "run/program.h"
#include "run/tier_queue.h"
#include "translate/frame.h"

namespace mtetso {

class Engine : public CodePages::Owner {
 public:
  // Makes the shared stubs. `options` and `pages` outlive the engine, which becomes their owner.
  // Throws StatusError.
  Engine(const Options& options, CodePages& pages, const HostCallbacks& host);

  // Loads a program and makes its tier 1. `path`: of its file, from which it gets its name; empty
  // for memory of no file. Throws StatusError, CodeError.
  Program& load(ElfImage image, const std::string& path);
  // Retires the code of a loaded program; its memory is freed when no thread can be in it. When
  // this returns, none is in it beyond its next poll. False if there is no such program. Called
  // by a thread that is not in generated code.
  bool unload(uint64_t id);
  // The program whose Code has this id; null if there is none.
  Program* find(uint64_t id) const;
  // The program that a guest address belongs to; null if there is none.
  Program* program_at(uint64_t rip) const;
  // Whether there is guest code, translated or not.
  bool has_code(uint64_t rip) const {
    const Program* program = program_at(rip);
    return program != nullptr && program->has_code(rip);
  }

  // A new frame, in dumped memory, that can enter generated code.
  Frame* new_frame(uint64_t thread_id, uint32_t core_tag);

  // The same with the frame of a thread that has ended.
  void renew_frame(Frame& frame, uint64_t thread_id, uint32_t core_tag) const;

  // Runs from frame.guest.rip until generated code leaves for any reason except a look-up or a
  // better tier; translates missing code. Throws StatusError if the guest goes to an address
  // without code.
  ExitReason run(Frame& frame);

  // The address by which native code calls the guest function at `rip`. Throws StatusError if
  // there is no guest code.
  uintptr_t export_function(uint64_t rip);

  // Where code of `rip` is entered now; 0 if there is none yet.
  uintptr_t entry(uint64_t rip) const;

  // Where native code that was given `host` for `rip` enters now: there, or, if that code was
  // retired, in code that is right. Throws StatusError if there is none.
  uintptr_t entered(uint64_t rip, uintptr_t host);

  // The guest's bytes in [begin, end) will change, or the memory will go: retires what was made
  // from them, for `reason`, then calls `change`. No code is made in the meantime, and when
  // `change` is called, no thread but the caller's runs the retired code beyond the end of what it
  // is in the middle of: it leaves at its next poll, which is where it next jumps, calls or
  // returns. So does the caller's (`self`, which may be null). May be called by a fault handler in
  // generated code. Throws bad_alloc.
  void change_code(mtedbg_GuestFrame* self, uint64_t begin, uint64_t end, std::string_view reason,
                   const std::function<void()>& change) override;

  // Whether a processor refuses to carry out the instruction at `rip`, of which `length` gets the
  // length in bytes.
  Refusal refusal(uint64_t rip, uint8_t& length) const {
    const Program* program = program_at(rip);
    return program == nullptr ? Refusal::None : program->refusal(rip, length);
  }

  // Describes the instruction at `rip`, for messages.
  std::string describe(uint64_t rip) const;

  // The address that the instruction at RIP has accessed, of which the lower 56 bits are known: as
  // its operands have it, else with copies of bit 55 above.
  uint64_t whole_address(const Frame& frame, uint64_t low) const;

  uintptr_t fault_trampoline() const { return fault_trampoline_; }

  // In a child process, whose only thread this is.
  void after_fork();

  // Why --profile-in has nothing of the program that was loaded first; empty if it has, or there is
  // none.
  std::string why_not_known() const;

  // The history of the memops of all programs, those included that were unloaded.
  Profile profile() const;

 private:
  using Programs = std::vector<Program*>;

  // The first program of which `is` holds; null if there is none.
  template <typename Is>
  Program* first(const Is& is) const {
    return programs_.read([&](const Programs& all) {
      const auto at = std::find_if(all.begin(), all.end(), is);
      return at == all.end() ? nullptr : *at;
    });
  }
  uintptr_t make_stubs(CallGuest call_guest);
  void publish();
  uintptr_t resolve(Frame& frame);
  uintptr_t entry_of(uint64_t rip);
  void forget_old(Frame& frame, uint64_t epoch);
  void tier_up(uint64_t rip);
  void leave_old_code(const mtedbg_GuestFrame* self, uint64_t epoch);
  void reclaim();

  const Options& options_;
  Code stubs_;  // the shared ones, of no program
  std::shared_mutex sources_;
  ProgramEnvironment environment_;
  std::optional<Profile> profile_;
  std::optional<CodeCache> cache_;
  EnterStub enter_ = nullptr;
  uintptr_t fault_trampoline_ = 0;
  uintptr_t frame_stubs_[static_cast<size_t>(FrameStub::Count)] = {};

  struct UnloadedProgram {
    std::unique_ptr<Program> program;
    uint64_t epoch;
  };
  mutable std::mutex lock_;  // of all below; look-ups take programs_
  std::vector<std::unique_ptr<Program>> owned_;
  std::vector<UnloadedProgram> unloaded_;
  Profile gone_;                  // of programs that were unloaded and deleted
  LeftRight<Programs> programs_;  // those of owned_
  std::atomic<bool> something_retired_{false};
  std::unique_ptr<TierQueue> tiers_;
  std::mutex frames_lock_;
  std::vector<Frame*> frames_;
};

}  // namespace mtetso
