// SPDX-License-Identifier: MIT

#include "translate/translator.h"

#include <algorithm>
#include <cstdio>

#include "status.h"
#include "translate/liveness.h"
#include "translate/lower.h"

namespace mtetso {
namespace {

bool falls_through(const GuestInstruction& insn) {
  return insn.flow == Flow::Next || insn.flow == Flow::Branch;
}

// Adds one more to extents that are sorted and disjoint, and so far all below or next to it.
void add_extent(std::vector<GuestExtent>& extents, uint64_t begin, uint64_t end) {
  if (!extents.empty() && begin <= extents.back().end)
    extents.back().end = std::max(extents.back().end, end);
  else
    extents.push_back({begin, end});
}

// The bytes that these instructions were made from. Where there is none, as many as were looked at.
std::vector<GuestExtent> extents_of(const std::map<uint64_t, uint64_t>& lengths) {
  std::vector<GuestExtent> extents;
  for (const auto& [rip, length] : lengths)
    add_extent(extents, rip, rip + (length != 0 ? length : Decoder::kMaxLength));
  return extents;
}

}  // namespace

Translator::ControlFlow Translator::find(const TranslationUnit& unit,
                                         const std::function<bool(uint64_t)>& known,
                                         size_t& budget) const {
  ControlFlow found;
  std::vector<uint64_t> work{unit.start};
  found.leaders.insert(unit.start);
  auto leader = [&](uint64_t rip) {
    if (rip >= unit.begin && rip < unit.end && !known(rip) && found.leaders.insert(rip).second)
      work.push_back(rip);
  };
  while (!work.empty()) {
    uint64_t rip = work.back();
    work.pop_back();
    while (rip >= unit.begin && rip < unit.end && !found.instructions.contains(rip)) {
      if (rip != unit.start && known(rip)) break;
      if (budget-- == 0)
        throw StatusError(Status::Internal, "the guest has more code than can be translated");
      auto decoded = decoder_.decode(rip, source_.code_at(rip));
      GuestInstruction bad;
      bad.rip = rip;
      bad.flow = Flow::Stop;
      const auto& insn = found.instructions.emplace(rip, decoded.value_or(bad)).first->second;
      if (insn.flow == Flow::Jump || insn.flow == Flow::Branch) {
        leader(insn.op[0].immediate);
        if (insn.op[0].immediate <= rip) found.loops.insert(insn.op[0].immediate);
      }
      // It serialises: what comes after it is code as it is then (SDM volume 3, 9.1.3).
      if (insn.mnemonic == ZYDIS_MNEMONIC_CPUID) leader(insn.next());
      // It branches back to itself, and a poll in it may leave and return.
      if (insn.repeat != Repeat::No) found.leaders.insert(rip);
      bool returns = insn.flow == Flow::Branch || insn.flow == Flow::Call ||
                     insn.flow == Flow::CallIndirect || insn.flow == Flow::SystemCall;
      if (returns) leader(insn.next());
      if (insn.flow != Flow::Next) break;
      rip = insn.next();
    }
  }
  find_live_flags(found.instructions);
  return found;
}

CompiledCode Translator::translate(const std::vector<TranslationUnit>& units,
                                   const TranslationPlan& plan,
                                   const std::function<bool(uint64_t)>& known) const {
  Emitter emitter(options_, plan);
  std::vector<ControlFlow> found;
  size_t budget = kMaxInstructions;
  std::map<uint64_t, uint64_t> taken;  // lengths; units may overlap: the first one gets the
                                       // instruction
  for (const auto& unit : units) {
    auto& one = found.emplace_back(find(
        unit, [&](uint64_t rip) { return known(rip) || taken.contains(rip); }, budget));
    for (const auto& [rip, insn] : one.instructions) taken.emplace(rip, insn.length);
    for (uint64_t rip : one.leaders) emitter.declare(rip);
  }
  // Where control falls through into an instruction that is not laid out next.
  for (auto& one : found)
    for (const auto& [rip, insn] : one.instructions)
      if (falls_through(insn) && taken.contains(insn.next())) {
        auto next = std::next(one.instructions.find(rip));
        bool adjacent = next != one.instructions.end() && next->first == insn.next();
        if (!adjacent) emitter.declare(insn.next());
      }
  std::vector<CompiledRange> ranges;
  for (size_t i = 0; i < units.size(); ++i) {
    if (found[i].instructions.empty()) continue;
    ranges.push_back({emitter.offset(), 0, MTEDBG_RangeKind_Function, units[i].function,
                      units[i].start, units[i].name});
    emit(emitter, units[i], found[i], plan.ticks);
  }
  CompiledCode code = emitter.finish(std::move(ranges));
  code.sources = extents_of(taken);
  return code;
}

void Translator::emit(Emitter& emitter, const TranslationUnit& unit, const ControlFlow& found,
                      bool ticks) const {
  ticks = ticks && unit.function != CompiledRange::kNoFunction;
  uint32_t since_poll = 0;
  const GuestInstruction* before = nullptr;
  for (const auto& [rip, insn] : found.instructions) {
    if (before != nullptr && falls_through(*before) && before->next() != rip)
      emitter.jump_to(before->next());
    bool step = options_.step != 0 && since_poll >= options_.step;
    if (emitter.has_label(rip) || step) {
      emitter.bind_entry(rip);
      const bool begin = rip == unit.begin;
      if (ticks && (begin || found.loops.contains(rip))) emitter.tick(unit.function, rip, begin);
      emitter.poll(rip);
      if (insn.repeat == Repeat::No) emitter.count();
      since_poll = 0;
    }
    emit_one(emitter, insn);
    ++since_poll;
    before = &insn;
  }
  if (before != nullptr && falls_through(*before)) emitter.jump_to(before->next());
  emitter.emit_cold();
}

void Translator::emit_one(Emitter& emitter, const GuestInstruction& insn) const {
  emitter.begin_instruction(insn.rip);
  if (insn.flow == Flow::Stop) return emitter.leave(FrameStub::Throw, insn.rip);
  if (insn.flow == Flow::Undefined) return emitter.leave(FrameStub::Undefined, insn.rip);
  if (insn.flow != Flow::Next && insn.flow != Flow::Branch) return emit_flow(emitter, insn);
  if (!lower(emitter, insn)) emitter.leave(FrameStub::Throw, insn.rip);
}

void Translator::emit_flow(Emitter& emitter, const GuestInstruction& insn) const {
  auto& masm = emitter.masm();
  const auto& operand = insn.op[0];
  bool indirect = operand.is_place() && operand.size == 8;
  switch (insn.flow) {
    case Flow::Jump:
      return emitter.jump_to(operand.immediate);
    case Flow::Call:
      masm.Mov(reg::t1, insn.next());
      emitter.push(reg::t1);
      return emitter.call_to(operand.immediate);
    case Flow::JumpIndirect:
    case Flow::CallIndirect:
      if (!indirect) return emitter.leave(FrameStub::Throw, insn.rip);
      masm.Mov(reg::t2, emitter.read(operand, reg::t2));
      if (insn.flow == Flow::CallIndirect) {
        masm.Mov(reg::t1, insn.next());
        emitter.push(reg::t1);
      }
      masm.Mov(reg::target, reg::t2);
      return emitter.leave(FrameStub::Dispatch);
    case Flow::SystemCall:
      return emitter.leave(FrameStub::SystemCall, insn.next());
    case Flow::Return:
      if (insn.mnemonic != ZYDIS_MNEMONIC_RET) return emitter.leave(FrameStub::Throw, insn.rip);
      emitter.pop(reg::target);
      if (operand.is_immediate()) masm.Add(guest_rsp, guest_rsp, operand.immediate & 0xffff);
      return emitter.leave(FrameStub::Dispatch);
    default:
      return emitter.leave(FrameStub::Throw, insn.rip);
  }
}

uint64_t Translator::whole_address(const Frame& frame, uint64_t low) const {
  const auto bytes = source_.code_at(frame.guest.rip);
  if (bytes.empty()) return extended(low);
  return decoder_.whole_address(frame.guest.rip, bytes,
                                {&frame.guest.rax, frame.fs_base, frame.gs_base}, low);
}

std::string Translator::describe(uint64_t rip) const {
  char address[32];
  std::snprintf(address, sizeof address, "0x%llx: ", static_cast<unsigned long long>(rip));
  auto bytes = source_.code_at(rip);
  if (bytes.empty()) return std::string(address) + "not in executable memory";
  return address + decoder_.describe(rip, bytes);
}

}  // namespace mtetso
