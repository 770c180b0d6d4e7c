// SPDX-License-Identifier: MIT
#include "code/code.h"

#include <algorithm>
#include <mutex>

#include "code/description.h"
#include "debug/arena.h"
#include "debug/points.h"
#include "debug/recorder.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_code{1};

}  // namespace

Code::Code(const CodeIdentity& identity, StubMaker make_stub)
    : id_(g_next_code++), name_(identity.name), make_stub_(std::move(make_stub)) {
  const char* name = arena_string(identity.name);
  const char* path = arena_string(identity.path);
  const char* build_id = arena_string(identity.build_id);
  std::lock_guard hold(code_lock());
  code_description().add_code({.id = id_,
                               .name = address_of(name),
                               .name_length = static_cast<uint32_t>(identity.name.size()),
                               .reserved = 0,
                               .digest = identity.digest,
                               .guest_begin = identity.guest_begin,
                               .guest_end = identity.guest_end,
                               .shared_stubs = 0,
                               .load_bias = identity.load_bias,
                               .build_id = address_of(build_id),
                               .build_id_length = static_cast<uint32_t>(identity.build_id.size()),
                               .path_length = static_cast<uint32_t>(identity.path.size()),
                               .path = address_of(path)});
}

uint32_t Code::add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end,
                            int32_t ticks) {
  const char* kept = arena_string(name);
  auto* slot = new (arena_allocate(sizeof(TierSlot), alignof(TierSlot))) TierSlot;
  slot->left.store(ticks, std::memory_order_relaxed);
  std::lock_guard hold(code_lock());
  CodeDescription& shown = code_description();
  shown.reserve();
  slot->function = shown.functions();
  slots_.emplace(slot->function, slot);
  shown.add_function({.index = 0,
                      .name_length = static_cast<uint32_t>(name.size()),
                      .name = address_of(kept),
                      .guest_begin = guest_begin,
                      .guest_end = guest_end,
                      .block = 0,
                      .best_tier = MTEDBG_Tier_None,
                      .tier_state = MTEDBG_TierState_Idle,
                      .code = id_});
  return slot->function;
}

TierSlot* Code::slot(uint32_t function) const {
  const auto at = slots_.find(function);
  return at == slots_.end() ? nullptr : at->second;
}

void Code::set_tier_states(std::span<const uint32_t> functions, uint32_t tier_state) {
  std::lock_guard hold(code_lock());
  code_description().reserve();
  for (const uint32_t function : functions)
    if (mtedbg_Function* known = code_description().function(function)) {
      known->tier_state = tier_state;
      code_description().publish_function(function);
    }
}

uint32_t Code::tier_state(uint32_t function) const {
  std::lock_guard hold(code_lock());
  const mtedbg_Function* known = code_description().function(function);
  return known == nullptr ? static_cast<uint32_t>(MTEDBG_TierState_Idle) : known->tier_state;
}

uint32_t Code::best_tier(uint32_t function) const {
  std::lock_guard hold(code_lock());
  const mtedbg_Function* known = code_description().function(function);
  return known == nullptr ? static_cast<uint32_t>(MTEDBG_Tier_None) : known->best_tier;
}

void Code::visit(const std::function<void(const CodeBlock&)>& visit) const {
  std::lock_guard hold(code_lock());
  for (const auto& block : blocks_) visit(*block);
}

EntryStub Code::stub_for(uint64_t guest_rip, const CodeBlock& callee) const {
  EntryStub stub;
  stub.guest_rip = guest_rip;
  stub.target = entries_.find(guest_rip);
  const mtedbg_Range* range = callee.range_at(stub.target);
  if (range == nullptr) return stub;
  stub.function = range->function;
  if (range->symbol_length != 0)
    stub.symbol.assign(reinterpret_cast<const char*>(range->symbol), range->symbol_length);
  return stub;
}

// The block that is entered is chosen with the lock held. Otherwise a better tier could be
// committed in between, and the stub into the worse one would be recorded after it.
const Code::ExportedFunction& Code::make_export(uint64_t guest_rip, const CodeBlock& callee) {
  if (!make_stub_) throw CodeError("this program exports no functions");
  const EntryStub stub = stub_for(guest_rip, callee);
  CompiledCode code = make_stub_(stub);
  for (CompiledRange& range : code.ranges) range.callee_block = callee.record.id;
  const CodeBlock* block =
      commit_locked(MTEDBG_BlockKind_LazyStubs, callee.record.tier, code, nullptr, Span::Partial);
  point(Point::ExportBuilt);
  // The stub may be called at any time: the block that it enters has to stay.
  ++callee.stubs;
  record(nullptr, {.event = MTEDBG_Event_LazyStub,
                   .address = block->base(),
                   .old_value = guest_rip,
                   .new_value = stub.target});
  return exports_[guest_rip] = {block->base(), callee.record.tier, stub.function, callee.record.id};
}

uintptr_t Code::export_function(uint64_t guest_rip) {
  point(Point::ExportAsked);
  std::lock_guard hold(code_lock());
  if (const auto at = exports_.find(guest_rip); at != exports_.end()) return at->second.stub;
  const CodeBlock* callee = map_.lookup(entries_.find(guest_rip));
  return callee == nullptr ? 0 : make_export(guest_rip, *callee).stub;
}

// Makes new stubs into a better tier for functions that were exported from a worse one. Import
// thunks, which have no tier, keep theirs. If there is no memory the old stub stays, and is right.
void Code::renew_exports(const CodeBlock& better) {
  if (better.record.tier <= MTEDBG_Tier_Baseline) return;
  std::vector<uint64_t> renewed;
  for (const auto& [rip, one] : exports_)
    if (one.tier < better.record.tier &&
        better.functions.find(one.function) != FuncToCodeRange::kNone &&
        better.holds(entries_.find(rip)))
      renewed.push_back(rip);
  for (const uint64_t rip : renewed) {
    try {
      make_export(rip, better);
    } catch (const std::exception&) {
      return;
    }
  }
}

}  // namespace mtetso
