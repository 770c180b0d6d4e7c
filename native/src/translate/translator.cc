// SPDX-License-Identifier: MIT

#include "translate/translator.h"

#include <algorithm>
#include <cstdio>

#include "status.h"
#include "translate/emitter.h"
#include "translate/liveness.h"
#include "translate/lower.h"
#include "translate/rip_map.h"

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

// The bytes that these instructions, sorted by RIP, were made from. Where there is none, as many as
// were looked at.
std::vector<GuestExtent> extents_of(std::span<GuestInstruction* const> instructions) {
  std::vector<GuestExtent> extents;
  for (const GuestInstruction* insn : instructions)
    add_extent(extents, insn->rip,
               insn->rip + (insn->length != 0 ? insn->length : Decoder::kMaxLength));
  return extents;
}

void sort_by_rip(std::vector<GuestInstruction*>& instructions) {
  std::sort(instructions.begin(), instructions.end(),
            [](const auto* a, const auto* b) { return a->rip < b->rip; });
}

// Reads a source in pieces: asking it for each instruction takes as long as decoding.
class Bytes {
 public:
  explicit Bytes(const CodeSource& source) : source_(source) {}

  std::span<const uint8_t> at(uint64_t rip) {
    const uint64_t into = rip - begin_;
    if (into < bytes_.size() && bytes_.size() - into >= Decoder::kMaxLength)
      return bytes_.subspan(into);
    begin_ = rip;
    bytes_ = source_.code_at(rip);
    return bytes_;
  }

 private:
  const CodeSource& source_;
  std::span<const uint8_t> bytes_;
  uint64_t begin_ = 0;
};

}  // namespace

// What was found, of all units so far. Units may overlap: the first one gets the instruction, but
// each has its first one.
struct Translator::ControlFlow {
  struct Mark {
    uint32_t unit = 0;   // whose instruction is there, from 1; 0: none
    bool leads = false;  // a block begins there
    bool loops = false;  // that is jumped back to
  };
  struct Unit {
    std::vector<GuestInstruction> found;    // length 0: not an instruction
    std::vector<GuestInstruction*> sorted;  // by RIP
  };

  RipMap<Mark> marks;
  std::vector<Unit> units;
  std::vector<uint64_t> work;
  size_t left = 0;  // instructions that may still be found

  uint32_t unit_of(uint64_t rip) const {
    const Mark* mark = marks.find(rip);
    return mark == nullptr ? 0 : mark->unit;
  }
  bool leads(uint64_t rip) const {
    const Mark* mark = marks.find(rip);
    return mark != nullptr && mark->leads;
  }
  bool loops(uint64_t rip) const {
    const Mark* mark = marks.find(rip);
    return mark != nullptr && mark->loops;
  }
};

// Behind a jcc that does not jump no block begins, unless blocks are counted: a loop has a poll
// where it is jumped back to.
void Translator::find(ControlFlow& flow, const TranslationUnit& unit, bool whole,
                      const std::function<bool(uint64_t)>& known) const {
  auto& [found, sorted] = flow.units.emplace_back();
  const auto number = static_cast<uint32_t>(flow.units.size());
  Bytes bytes(source_);
  const auto inside = [&](uint64_t rip) { return rip >= unit.begin && rip < unit.end; };
  const auto leader = [&](uint64_t rip) {
    if (!inside(rip)) return;
    ControlFlow::Mark& mark = flow.marks[rip];
    if (mark.leads || (mark.unit != 0 && mark.unit != number) || known(rip)) return;
    mark.leads = true;
    flow.work.push_back(rip);
  };
  flow.marks[unit.start].leads = true;
  flow.work.push_back(unit.start);
  while (!flow.work.empty()) {
    uint64_t rip = flow.work.back();
    flow.work.pop_back();
    while (inside(rip)) {
      ControlFlow::Mark& mark = flow.marks[rip];
      if (mark.unit == number || (mark.unit != 0 && rip != unit.start)) break;
      if (flow.left == 0) {
        if (whole)
          throw StatusError(Status::Internal, "the guest has more code than can be translated");
        flow.work.clear();
        break;
      }
      --flow.left;
      mark.unit = number;
      auto decoded = decoder_.decode(rip, bytes.at(rip));
      GuestInstruction bad;
      bad.rip = rip;
      bad.flow = Flow::Stop;
      const auto& insn = found.emplace_back(decoded.value_or(bad));
      // It branches back to itself, and a poll in it may leave and return.
      if (insn.repeat != Repeat::No) mark.leads = true;
      const bool branch = insn.flow == Flow::Branch;
      if (insn.flow == Flow::Jump || branch) {
        const uint64_t target = insn.op[0].immediate;
        leader(target);
        if (target <= rip && flow.leads(target)) flow.marks[target].loops = true;
      }
      // It serialises: what comes after it is code as it is then (SDM volume 3, 9.1.3).
      if (insn.mnemonic == ZYDIS_MNEMONIC_CPUID) leader(insn.next());
      const bool returns = insn.flow == Flow::Call || insn.flow == Flow::CallIndirect ||
                           insn.flow == Flow::SystemCall || (branch && options_.count);
      if (returns) leader(insn.next());
      const bool goes_on = insn.flow == Flow::Next || (branch && !returns && !known(insn.next()));
      if (!goes_on) break;
      rip = insn.next();
    }
  }
  for (GuestInstruction& insn : found) sorted.push_back(&insn);
  sort_by_rip(sorted);
  find_live_flags(sorted);
}

CompiledCode Translator::translate(const std::vector<TranslationUnit>& units,
                                   const TranslationPlan& plan,
                                   const std::function<bool(uint64_t)>& known) const {
  Emitter emitter(options_, plan);
  ControlFlow flow;
  flow.left = plan.whole ? kMaxInstructions : kMaxAtOnce;
  for (const auto& unit : units) find(flow, unit, plan.whole, known);
  std::vector<GuestInstruction*> all;
  for (const auto& unit : flow.units) {
    for (size_t i = 0; i < unit.sorted.size(); ++i) {
      const GuestInstruction& insn = *unit.sorted[i];
      if (flow.leads(insn.rip)) emitter.declare(insn.rip);
      // Where control falls through into an instruction that is not laid out next.
      const bool last = i + 1 == unit.sorted.size();
      const bool adjacent = !last && unit.sorted[i + 1]->rip == insn.next();
      if (falls_through(insn) && !adjacent && flow.unit_of(insn.next()) != 0)
        emitter.declare(insn.next());
    }
    all.insert(all.end(), unit.sorted.begin(), unit.sorted.end());
  }
  std::vector<CompiledRange> ranges;
  for (size_t i = 0; i < units.size(); ++i) {
    if (flow.units[i].sorted.empty()) continue;
    ranges.push_back({emitter.offset(), 0, MTEDBG_RangeKind_Function, units[i].function,
                      units[i].start, units[i].name});
    emit(emitter, units[i], flow, flow.units[i].sorted, plan.ticks);
  }
  CompiledCode code = emitter.finish(std::move(ranges));
  sort_by_rip(all);
  code.sources = extents_of(all);
  return code;
}

void Translator::emit(Emitter& emitter, const TranslationUnit& unit, const ControlFlow& flow,
                      std::span<GuestInstruction* const> instructions, bool ticks) const {
  ticks = ticks && unit.function != CompiledRange::kNoFunction;
  uint32_t since_poll = 0;
  const GuestInstruction* before = nullptr;
  for (const GuestInstruction* insn : instructions) {
    const uint64_t rip = insn->rip;
    if (before != nullptr && falls_through(*before) && before->next() != rip)
      emitter.jump_to(before->next());
    const bool step = options_.step != 0 && since_poll >= options_.step;
    if (emitter.has_label(rip) || step) {
      emitter.bind_entry(rip);
      const bool begin = rip == unit.begin;
      if (ticks && (begin || flow.loops(rip))) emitter.tick(unit.function, rip, begin);
      emitter.poll(rip);
      if (insn->repeat == Repeat::No) emitter.count();
      since_poll = 0;
    }
    emit_one(emitter, *insn);
    ++since_poll;
    before = insn;
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
