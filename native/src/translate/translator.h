// SPDX-License-Identifier: MIT
//
// Translates functions: finds the instructions of a function by following its control flow within
// its bounds, lays them out in address order, lowers them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiled.h"
#include "options.h"
#include "translate/code_source.h"
#include "translate/decoder.h"
#include "translate/plan.h"

namespace mtetso {

class Emitter;
struct Frame;

// One function to translate: control flow is followed from `start` within [begin, end).
struct TranslationUnit {
  uint64_t start = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  uint32_t function = CompiledRange::kNoFunction;  // as the code manager counts them
  std::string name;
};

class Translator {
 public:
  // Instructions of one call of translate(); a bound on the time and memory of a hostile guest.
  static constexpr size_t kMaxInstructions = 1u << 20;
  // Where the plan does not want the units whole: what is left is found when it is reached. Another
  // JIT's code can be one unit of millions.
  static constexpr size_t kMaxAtOnce = 1u << 11;

  // Both outlive the translator.
  Translator(const Options& options, const CodeSource& source)
      : options_(options), source_(source) {}

  // All of `units`, sorted by start, into one piece; branches between them are direct. Guest
  // addresses that are `known` have code elsewhere: they are not translated again, but reached
  // through the dispatcher. Throws StatusError(Internal) past kMaxInstructions if the plan wants
  // the units whole.
  CompiledCode translate(
      const std::vector<TranslationUnit>& units, const TranslationPlan& plan,
      const std::function<bool(uint64_t)>& known = [](uint64_t) { return false; }) const;

  // "0x401000: f2 0f 7c c1  haddps xmm0, xmm1", for messages.
  std::string describe(uint64_t rip) const;

  // As Decoder::whole_address() of the instruction at the frame's RIP.
  uint64_t whole_address(const Frame& frame, uint64_t low) const;

  // As Decoder::refusal() of the instruction at `rip`; None where there is no code.
  Refusal refusal(uint64_t rip, uint8_t& length) const {
    const auto bytes = source_.code_at(rip);
    return bytes.empty() ? Refusal::None : decoder_.refusal(bytes, length);
  }

 private:
  struct ControlFlow;

  void find(ControlFlow& flow, const TranslationUnit& unit, bool whole,
            const std::function<bool(uint64_t)>& known) const;
  void emit(Emitter& emitter, const TranslationUnit& unit, const ControlFlow& flow,
            std::span<GuestInstruction* const> instructions, bool ticks) const;
  void emit_one(Emitter& emitter, const GuestInstruction& insn) const;
  void emit_flow(Emitter& emitter, const GuestInstruction& insn) const;

  const Options& options_;
  const CodeSource& source_;
  Decoder decoder_;
};

}  // namespace mtetso
