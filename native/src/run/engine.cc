// SPDX-License-Identifier: MIT

#include "run/engine.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <new>

#include "code/epochs.h"
#include "debug/threads.h"
#include "float/sse.h"
#include "memory/barriers.h"
#include "memory/tags.h"
#include "run/fork_gate.h"
#include "status.h"
#include "translate/float_helper.h"
#include "translate/stubs.h"

namespace mtetso {

Engine::Engine(const Options& options, CodePages& pages, const HostCallbacks& host)
    : options_(options),
      stubs_({"stubs"}),
      environment_{.options = options,
                   .import_number = host.import_number,
                   .code_pages = pages,
                   .sources = sources_} {
  pages.set_owner(*this);
  if (!options.profile_in.empty()) profile_ = read_profile(options.profile_in);
  if (!options.code_cache.empty()) cache_.emplace(options.code_cache);
  environment_.call_guest = make_stubs(host.call_guest);
  environment_.profile = profile_ ? &*profile_ : nullptr;
  environment_.cache = cache_ ? &*cache_ : nullptr;
  // Lockstep must be repeatable: there, code is compiled at once, on the thread that requests it.
  tiers_ = std::make_unique<TierQueue>(options.threads == ThreadMode::Threads);
}

// Returns the address of the stub that entry stubs go through.
uintptr_t Engine::make_stubs(CallGuest call_guest) {
  auto stubs = make_shared_stubs(options_, call_guest);
  auto* block =
      stubs_.commit(MTEDBG_BlockKind_SharedStubs, MTEDBG_Tier_None, std::move(stubs.code));
  const uintptr_t base = block->base();
  enter_ = reinterpret_cast<EnterStub>(base + stubs.enter);
  fault_trampoline_ = base + stubs.fault_trampoline;
  for (size_t i = 0; i < std::size(frame_stubs_); ++i)
    frame_stubs_[i] = base + stubs.frame_stubs[i];
  return base + stubs.call_guest;
}

// With lock_ held.
void Engine::publish() {
  Programs all;
  for (const auto& one : owned_) all.push_back(one.get());
  programs_.hidden() = all;
  programs_.show_hidden() = std::move(all);
}

Program& Engine::load(ElfImage image, const std::string& path) {
  std::error_code error;
  const auto whole = path.empty() ? path : std::filesystem::weakly_canonical(path, error).string();
  auto program = std::make_unique<Program>(environment_, std::move(image), error ? path : whole);
  program->init();
  std::scoped_lock hold(lock_);
  owned_.push_back(std::move(program));
  publish();
  return *owned_.back();
}

bool Engine::unload(uint64_t id) {
  std::scoped_lock hold(lock_);
  const auto at = std::find_if(owned_.begin(), owned_.end(),
                               [&](const auto& one) { return one->code().id() == id; });
  if (at == owned_.end()) return false;
  auto program = std::move(*at);
  owned_.erase(at);
  publish();
  tiers_->drop(*program);  // waits for the compiler, which needs the sources
  const std::unique_lock sources(sources_);
  program->code().retire_all("its program was unloaded");
  program->end();
  const uint64_t epoch = epochs().retire();
  unloaded_.push_back({std::move(program), epoch});
  something_retired_.store(true, std::memory_order_release);
  leave_old_code(nullptr, epoch);
  return true;
}

Program* Engine::find(uint64_t id) const {
  return first([id](const Program* program) { return program->code().id() == id; });
}

Program* Engine::program_at(uint64_t rip) const {
  return first([rip](const Program* program) { return program->holds(rip); });
}

std::string Engine::describe(uint64_t rip) const {
  const Program* program = program_at(rip);
  if (program != nullptr) return program->describe(rip);
  char text[64];
  std::snprintf(text, sizeof text, "0x%llx: not in executable memory",
                static_cast<unsigned long long>(rip));
  return text;
}

uint64_t Engine::whole_address(const Frame& frame, uint64_t low) const {
  const Program* program = program_at(frame.guest.rip);
  return program == nullptr ? extended(low) : program->whole_address(frame, low);
}

uintptr_t Engine::entry(uint64_t rip) const {
  const Program* program = program_at(rip);
  return program == nullptr ? stubs_.entry(rip) : program->code().entry(rip);
}

uintptr_t Engine::entry_of(uint64_t rip) {
  if (Program* program = program_at(rip)) {
    const uintptr_t host = program->code().entry(rip);
    return host != 0 ? host : program->translate_at(rip);
  }
  if (const uintptr_t host = stubs_.entry(rip)) return host;
  throw NoCodeError(describe(rip));
}

uintptr_t Engine::resolve(Frame& frame) {
  const uint64_t rip = frame.guest.rip;
  const uintptr_t host = entry_of(rip);
  frame.jump_cache[Frame::jump_cache_index(rip)] = {rip, host};
  return host;
}

// Host addresses in the frame may be those of freed code. An empty entry must not match: a guest
// may jump to address 0 by mistake.
void Engine::forget_old(Frame& frame, uint64_t epoch) {
  if (frame.seen_epoch == epoch) return;
  frame.seen_epoch = epoch;
  std::fill(std::begin(frame.jump_cache), std::end(frame.jump_cache),
            JumpCacheEntry{kThreadReturnRip, stubs_.entry(kThreadReturnRip)});
}

// Generated code returns for every reason; the engine handles Lookup and TierUp.
ExitReason Engine::run(Frame& frame) {
  struct LeavesEpoch {
    std::atomic<uint64_t>& word;
    ~LeavesEpoch() { Epochs::leave(word); }
  } outside{frame.epoch};
  for (;;) {
    uintptr_t entry = 0;
    {
      const UncheckedAccess unchecked;  // it touches nothing of the guest's but code
      forget_old(frame, epochs().enter(frame.epoch));
      if (something_retired_.load(std::memory_order_acquire)) reclaim();
      entry = resolve(frame);
    }
    fork_gate().leave();
    const ExitReason reason = mtetso_enter_jit(&frame, entry, enter_);
    fork_gate().enter();
    if (reason == ExitReason::TierUp)
      tier_up(frame.guest.rip);
    else if (reason != ExitReason::Lookup)
      return reason;
  }
}

// The function's ticks are used up. They are reset first, so that the code can continue; another
// thread may be here for the same function.
void Engine::tier_up(uint64_t rip) {
  Program* program = program_at(rip);
  const uint32_t function =
      program == nullptr ? CompiledRange::kNoFunction : program->function_at(rip);
  TierSlot* slot = program == nullptr ? nullptr : program->code().slot(function);
  if (slot == nullptr) return;
  slot->left.store(INT32_MAX, std::memory_order_relaxed);
  const bool whole = options_.tier_scope == TierScope::Program;
  const auto again = [slot, this](bool done) {
    if (!done)
      slot->left.store(static_cast<int32_t>(options_.tier_up), std::memory_order_relaxed);
    else
      something_retired_.store(true, std::memory_order_release);
  };
  tiers_->request(*program, whole ? TierQueue::kWhole : function, again);
}

// Frees segments of retired blocks, and unloaded programs, once no thread can be in them.
void Engine::reclaim() {
  std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold) return;  // another thread is doing it
  const uint64_t oldest = epochs().oldest();
  bool left = false;
  for (const auto& program : owned_) {
    program->reclaim(oldest);
    left = left || program->code().retired() != 0;
  }
  std::erase_if(unloaded_, [&](const UnloadedProgram& one) {
    if (one.epoch >= oldest) return false;
    // Programs of no file are each of their own: nobody is to keep those that nobody asks for.
    if (!options_.profile_out.empty() || options_.profile_summary)
      gone_.add(one.program->profile());
    return true;
  });
  something_retired_.store(left || !unloaded_.empty(), std::memory_order_release);
}

uintptr_t Engine::entered(uint64_t rip, uintptr_t host) {
  const Program* program = program_at(rip);
  const Code& code = program == nullptr ? stubs_ : program->code();
  return code.lookup(host) != nullptr ? host : entry_of(rip);
}

void Engine::change_code(mtedbg_GuestFrame* self, uint64_t begin, uint64_t end,
                         std::string_view reason, const std::function<void()>& change) {
  std::scoped_lock hold(lock_);
  std::unique_lock sources(sources_);
  size_t retired = 0;
  for (const auto& program : owned_) retired += program->forget(begin, end, reason);
  if (retired != 0) {
    something_retired_.store(true, std::memory_order_release);
    leave_old_code(self, epochs().retire());
  }
  change();
}

// A thread that is in generated code has a budget, which its polls count down. A 0 makes it leave,
// but its own count may overwrite it: one that is in the middle of a poll is told again. One that
// is anywhere else in an old epoch (in the fault handler, or about to enter) is in no poll: it
// keeps the 0. A thread that a debugger has stopped is waited for.
void Engine::leave_old_code(const mtedbg_GuestFrame* self, uint64_t epoch) {
  std::scoped_lock hold(frames_lock_);
  for (Frame* frame : frames_) {
    const auto old = [&] {
      const uint64_t entered = frame->epoch.load(std::memory_order_seq_cst);
      return entered != 0 && entered <= epoch;
    };
    const std::atomic_ref budget(frame->budget);
    const std::atomic_ref state(frame->guest.state);
    while (old()) {
      budget.store(0, std::memory_order_seq_cst);
      if (&frame->guest == self) break;
      const bool elsewhere = state.load(std::memory_order_seq_cst) != MTEDBG_ThreadState_Jit;
      barrier_everywhere();  // what it has stored until then is seen
      if (elsewhere && budget.load(std::memory_order_seq_cst) <= 0) break;
      sched_yield();
    }
  }
}

uintptr_t Engine::export_function(uint64_t rip) {
  entry_of(rip);  // translated if necessary
  Program* program = program_at(rip);
  return (program != nullptr ? program->code() : stubs_).export_function(rip);
}

Frame* Engine::new_frame(uint64_t thread_id, uint32_t core_tag) {
  auto* frame = static_cast<Frame*>(allocate_frame(sizeof(Frame)));
  renew_frame(*frame, thread_id, core_tag);
  epochs().add(&frame->epoch);
  std::scoped_lock hold(frames_lock_);
  frames_.push_back(frame);
  return frame;
}

void Engine::renew_frame(Frame& frame, uint64_t thread_id, uint32_t core_tag) const {
  new (&frame) Frame{};
  frame.guest.thread_id = thread_id;
  frame.guest.host_core_id = core_tag;
  frame.parity = 1;  // PF clear
  frame.direction = 1;
  set_mxcsr(frame, mxcsr::kAtStart);
  initialise(frame.x87);
  std::copy(std::begin(frame_stubs_), std::end(frame_stubs_), std::begin(frame.stubs));
}

void Engine::after_fork() {
  programs_.forget_readers();
  tiers_->after_fork();
  std::scoped_lock hold(lock_);
  for (const auto& program : owned_) program->count_anew();
  for (const auto& one : unloaded_) one.program->count_anew();
  for (ProgramProfile& program : gone_.programs) program.forget_executions();
}

std::string Engine::why_not_known() const {
  std::scoped_lock hold(lock_);
  return owned_.empty() ? "" : owned_.front()->why_not_known();
}

Profile Engine::profile() const {
  std::scoped_lock hold(lock_);
  Profile profile;
  for (const auto& program : owned_) profile.add(program->profile());
  for (const auto& one : unloaded_) profile.add(one.program->profile());
  for (const ProgramProfile& program : gone_.programs) profile.add(program);
  return profile;
}

}  // namespace mtetso
