// SPDX-License-Identifier: MIT
#include "code/code.h"

#include <algorithm>
#include <mutex>

#include "code/description.h"
#include "debug/points.h"
#include "debug/recorder.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_code{1};

}  // namespace

Code::Code(const CodeIdentity& identity, StubMaker make_stub)
    : id_(g_next_code++), name_(identity.name), make_stub_(std::move(make_stub)) {
  std::lock_guard hold(code_lock());
  records_ = std::make_shared<CodeRecords>(identity, id_);
}

uint32_t Code::add_function(std::string_view name, uint64_t guest_begin, uint64_t guest_end,
                            int32_t ticks) {
  const FunctionIdentity one{name, guest_begin, guest_end};
  return add_functions({&one, 1}, ticks).front();
}

std::vector<uint32_t> Code::add_functions(std::span<const FunctionIdentity> functions,
                                          int32_t ticks) {
  std::lock_guard hold(code_lock());
  return records_->add_functions(functions, ticks);
}

void Code::set_tier_states(std::span<const uint32_t> functions, uint32_t tier_state) {
  std::lock_guard hold(code_lock());
  for (const uint32_t function : functions)
    if (const mtedbg_Function* known = code_description().function(function)) {
      mtedbg_Function record = *known;
      record.tier_state = tier_state;
      code_description().change_function(record);
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
  return exports_[guest_rip] = {block, &callee};
}

uintptr_t Code::export_function(uint64_t guest_rip) {
  point(Point::ExportAsked);
  std::lock_guard hold(code_lock());
  if (const auto at = exports_.find(guest_rip); at != exports_.end())
    return at->second.stub->base();
  const CodeBlock* callee = map_.lookup(entries_.find(guest_rip));
  return callee == nullptr ? 0 : make_export(guest_rip, *callee).stub->base();
}

// Makes new stubs into a better tier for functions that were exported from a worse one. Import
// thunks, which have no tier, keep theirs. If there is no memory the old stub stays, and is right.
void Code::renew_exports(const CodeBlock& better) {
  if (better.record.tier <= MTEDBG_Tier_Baseline) return;
  std::vector<uint64_t> renewed;
  for (const auto& [rip, one] : exports_)
    if (one.callee->record.tier < better.record.tier &&
        better.functions.find(one.function()) != FuncToCodeRange::kNone &&
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
