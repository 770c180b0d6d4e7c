// SPDX-License-Identifier: MIT

#include "run/engine.h"

#include <algorithm>
#include <new>

#include "debug/threads.h"
#include "status.h"
#include "translate/stubs.h"

namespace mtetso {

Engine::Engine(const Options& options, const ElfImage& image)
    : options_(options), image_(image), translator_(options, image) {
  make_stubs();
  translate_program();
}

void Engine::make_stubs() {
  auto stubs = make_shared_stubs(options_, image_.imports());
  auto* block = code_.commit(MTEDBG_BlockKind_SharedStubs, MTEDBG_Tier_None, std::move(stubs.code));
  uintptr_t base = block->base();
  enter_ = reinterpret_cast<EnterStub>(base + stubs.enter);
  fault_trampoline_ = base + stubs.fault_trampoline;
  for (size_t i = 0; i < std::size(frame_stubs_); ++i)
    frame_stubs_[i] = base + stubs.frame_stubs[i];
}

Unit Engine::unit_of(uint64_t rip) const {
  Unit unit{rip, rip, rip + image_.code_at(rip).size(), CompiledRange::kNoFunction, {}};
  const auto* function = image_.function_at(rip);
  if (function == nullptr) return unit;
  size_t index = static_cast<size_t>(function - image_.functions().data());
  unit.begin = function->address;
  unit.end = function->address + function->size;
  unit.function = functions_[index];
  unit.name = function->name;
  return unit;
}

void Engine::translate_program() {
  std::vector<Unit> units;
  for (const auto& function : image_.functions()) {
    functions_.push_back(
        code_.add_function(function.name, function.address, function.address + function.size));
  }
  for (const auto& function : image_.functions()) {
    uint64_t start = function.address;
    // An import's own address is the shared stubs'; what follows is guest code.
    bool import = std::any_of(image_.imports().begin(), image_.imports().end(),
                              [&](const auto& i) { return i.address == start; });
    if (import) start += kImportStubLength;
    if (start - function.address >= function.size) continue;
    auto& unit = units.emplace_back(unit_of(function.address));
    unit.start = start;
    code_.set_tier_state(unit.function, MTEDBG_TierState_Compiling);
  }
  if (units.empty()) return;  // a stripped guest: all code is translated when it is reached
  code_.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, translator_.translate(units));
}

// Code that symbols did not lead to: stripped guests, targets of jump tables.
uintptr_t Engine::translate_at(uint64_t rip) {
  std::scoped_lock lock(translating_);
  if (uintptr_t host = code_.entry(rip)) return host;  // another thread was faster
  if (image_.code_at(rip).empty())
    throw StatusError(Status::GuestFault, "a wild jump or return of the guest to " + describe(rip));
  auto known = [this](uint64_t address) { return code_.entry(address) != 0; };
  code_.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
               translator_.translate({unit_of(rip)}, known));
  return code_.entry(rip);
}

uintptr_t Engine::resolve(Frame& frame) {
  uint64_t rip = frame.guest.rip;
  uintptr_t host = code_.entry(rip);
  if (host == 0) host = translate_at(rip);
  frame.jump_cache[rip % Frame::kJumpCacheSize] = {rip, host};
  return host;
}

ExitReason Engine::run(Frame& frame) {
  for (;;) {
    ExitReason reason = mtetso_enter_jit(&frame, resolve(frame), enter_);
    if (reason != ExitReason::Lookup) return reason;
  }
}

Frame* Engine::new_frame(uint64_t thread_id, uint32_t core_tag) {
  auto* frame = new (allocate_frame(sizeof(Frame))) Frame{};
  frame->guest.thread_id = thread_id;
  frame->guest.host_core_id = core_tag;
  frame->parity = 1;  // PF clear
  frame->direction = 1;
  std::copy(std::begin(frame_stubs_), std::end(frame_stubs_), std::begin(frame->stubs));
  // An empty way must not match: address 0 is one a guest may jump to by mistake.
  std::fill(std::begin(frame->jump_cache), std::end(frame->jump_cache),
            JumpCacheEntry{kThreadReturnRip, code_.entry(kThreadReturnRip)});
  return frame;
}

}  // namespace mtetso
