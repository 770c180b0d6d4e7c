// SPDX-License-Identifier: MIT

#include "run/program.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "code/epochs.h"
#include "code/validate.h"
#include "debug/points.h"
#include "debug/say.h"
#include "run/build_id.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr const char* kAnonymous = "[anonymous]";  // mtedbg knows it by this name

uint64_t image_begin(const ElfImage& image) { return image.segments().front().address; }

uint64_t image_end(const ElfImage& image) {
  return image.segments().back().address + image.segments().back().memory_size;
}

// The bytes of all executable segments, each after its address.
std::vector<uint8_t> code_bytes(const ElfImage& image) {
  std::vector<uint8_t> all;
  for (const auto& segment : image.segments()) {
    const auto code = image.code_at(segment.address);
    if (code.empty()) continue;
    const auto* address = reinterpret_cast<const uint8_t*>(&segment.address);
    all.insert(all.end(), address, address + sizeof segment.address);
    all.insert(all.end(), code.begin(), code.end());
  }
  return all;
}

}  // namespace

Program::Program(const ProgramEnvironment& environment, ElfImage image, std::string path)
    : environment_(environment),
      image_(std::move(image)),
      source_(image_, environment.code_pages),
      path_(std::move(path)),
      name_(path_.empty() ? kAnonymous : std::filesystem::path(path_).filename().string()),
      begin_(image_begin(image_)),
      end_(image_end(image_)),
      history_{name_, path_, {image_.build_id(), image_.digest()}, {}},
      translator_(environment.options, source_),
      code_({name_, path_, image_.digest(), begin_, end_, image_.load_bias(), image_.build_id()},
            [this](const EntryStub& stub) {
              return make_entry_stub(environment_.options, stub, environment_.call_guest);
            }) {
  const uint32_t ticks = environment.options.tier_up;
  std::vector<FunctionIdentity> functions;
  for (const auto& one : image_.functions())
    functions.push_back({one.name, one.address, one.address + one.size});
  functions_ = code_.add_functions(functions, static_cast<int32_t>(ticks));
  for (const TranslationUnit& unit : all_units()) constant_.push_back(unit.function);
}

TranslationUnit Program::unit_of(uint64_t rip) const {
  const auto* function = image_.function_at(rip);
  if (function == nullptr) return {rip, rip, source_.end_at(rip), CompiledRange::kNoFunction, {}};
  TranslationUnit unit = unit_of(*function);
  unit.start = rip;
  return unit;
}

TranslationUnit Program::unit_of(const ElfFunction& function) const {
  TranslationUnit unit{function.address, function.address, function.address + function.size,
                       functions_[static_cast<size_t>(&function - image_.functions().data())],
                       function.name};
  // An import's own address is its thunk's; what follows is guest code.
  const bool import = std::any_of(image_.imports().begin(), image_.imports().end(),
                                  [&](const auto& one) { return one.address == unit.begin; });
  if (import) unit.start += kImportStubLength;
  return unit;
}

std::vector<TranslationUnit> Program::all_units() const {
  std::vector<TranslationUnit> units;
  for (const auto& function : image_.functions())
    if (TranslationUnit unit = unit_of(function);
        unit.start < unit.end && !source_.writable(unit.start))
      units.push_back(std::move(unit));
  return units;
}

uint32_t Program::function_at(uint64_t rip) const {
  const auto* function = image_.function_at(rip);
  return function == nullptr
             ? CompiledRange::kNoFunction
             : functions_[static_cast<size_t>(function - image_.functions().data())];
}

TranslationPlan Program::plan(bool optimised, const ProgramProfile* known) const {
  TranslationPlan plan;
  plan.ticks = !optimised && environment_.options.tier_up != 0;
  if (known != nullptr)
    plan.advice = [known, bias = image_.load_bias()](const MemopKey& key) {
      return known->advice({key.guest_rip - bias, key.ordinal});
    };
  if (environment_.options.tier_up == 0) return plan;
  plan.function_at = [this](uint64_t rip) {
    const auto* function = image_.function_at(rip);
    return function != nullptr && function->address == rip ? function_at(rip)
                                                           : CompiledRange::kNoFunction;
  };
  return plan;
}

CompiledCode Program::translate_all(const TranslationPlan& plan) const {
  return translator_.translate(all_units(), plan);
}

CacheKey Program::cache_key(const ProgramProfile* known) const {
  const Options& options = environment_.options;
  std::string maker = "mtetso " MTETSO_VERSION " " + build_id() + "\n";
  const auto line = [&](const char* name, uint64_t value) {
    maker += std::string(name) + " " + std::to_string(value) + "\n";
  };
  line("shared-tag", options.shared_tag);
  line("memops-start", options.memops_start);
  line("core-id", options.core_id_source);
  line("tagged-cores", core_tags(options).tagged);
  line("out-of-line", has_out_of_line(options) ? 1 : 0);
  line("step", options.step);
  line("ticks", options.tier_up != 0 ? 1 : 0);
  line("count", options.count ? 1 : 0);
  line("optimised", known != nullptr ? 1 : 0);
  line("profile", known != nullptr ? known->checksum() : 0);
  std::vector<uint8_t> source = code_bytes(image_);
  for (const TranslationUnit& unit : all_units())
    for (const uint64_t part : {unit.start, unit.end})
      source.insert(source.end(), reinterpret_cast<const uint8_t*>(&part),
                    reinterpret_cast<const uint8_t*>(&part + 1));
  return {std::move(maker), std::move(source)};
}

// Function indices count from 0 in each program on disk, and through all programs in memory.
void Program::renumber(CompiledCode& code, bool to_process) const {
  const auto other = [&](uint32_t function) {
    if (function == CompiledRange::kNoFunction) return function;
    if (to_process) return function < functions_.size() ? functions_[function] : UINT32_MAX - 1;
    const auto at = std::lower_bound(functions_.begin(), functions_.end(), function);
    return static_cast<uint32_t>(at - functions_.begin());
  };
  for (auto& range : code.ranges) range.function = other(range.function);
  for (auto& fixup : code.fixups) fixup.function = other(fixup.function);
}

// What is wrong with code from a file; null if nothing is. Its checksum may be right all the same.
const char* Program::fault_of(const CompiledCode& code) const {
  const auto known = functions_.empty() ? 0 : functions_.back() + 1;
  if (const char* wrong = find_fault(code, known)) return wrong;
  for (const GuestExtent& one : code.sources)
    if (one.end - one.begin > image_.code_at(one.begin).size() || source_.writable(one.begin))
      return "it is not made from this program's code";
  return code.sources.empty() ? "it is made from nothing" : nullptr;
}

CompiledCode Program::first_tier(const TranslationPlan& plan, const ProgramProfile* known) {
  if (environment_.cache == nullptr) return translate_all(plan);
  const CacheKey key = cache_key(known);
  CompiledCode code;
  std::string why;
  CacheAnswer answer = environment_.cache->load(key, code, why);
  if (answer == CacheAnswer::Found) {
    renumber(code, true);
    const char* wrong = fault_of(code);
    if (wrong == nullptr) return code;
    answer = CacheAnswer::Refused;
    why = wrong;
  }
  if (answer == CacheAnswer::Refused)
    say("cached code refused, " + why + ": " + environment_.cache->path_of(key));
  CompiledCode made = translate_all(plan);
  code = made;
  renumber(code, false);
  environment_.cache->store(key, code);
  return made;
}

const ProgramProfile* Program::earlier() const {
  return environment_.profile == nullptr ? nullptr : environment_.profile->find(history_.identity);
}

std::string Program::why_not_known() const {
  if (environment_.profile == nullptr || earlier() != nullptr) return "";
  return why_nothing(*environment_.profile, name_, history_.identity);
}

void Program::init() {
  std::shared_lock sources(environment_.sources);
  if (!image_.imports().empty())
    code_.commit(
        MTEDBG_BlockKind_SharedStubs, MTEDBG_Tier_None,
        make_import_thunks(environment_.options, image_.imports(), environment_.import_number));
  if (image_.on_demand() || all_units().empty())
    return;  // or stripped: code is translated when it is reached
  code_.set_tier_states(constant_, MTEDBG_TierState_Compiling);
  const ProgramProfile* known = earlier();
  const bool optimised = known != nullptr;
  const uint32_t kind = optimised ? MTEDBG_BlockKind_OptimizedTier : MTEDBG_BlockKind_BaselineTier;
  const uint32_t tier = optimised ? MTEDBG_Tier_Optimized : MTEDBG_Tier_Baseline;
  const auto* block =
      code_.commit(kind, tier, first_tier(plan(optimised, known), known), nullptr, Span::Complete);
  if (!optimised) baseline_ = block;
}

uintptr_t Program::translate_at(uint64_t rip) {
  std::shared_lock sources(environment_.sources);
  std::scoped_lock lock(translating_);
  if (uintptr_t host = code_.entry(rip)) return host;  // another thread has translated it
  if (!has_code(rip)) throw NoCodeError(describe(rip));
  auto there = [this](uint64_t address) { return code_.entry(address) != 0; };
  TranslationPlan on_demand = plan(false, earlier());
  on_demand.whole = false;
  code_.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline,
               translator_.translate({unit_of(rip)}, on_demand, there));
  return code_.entry(rip);
}

size_t Program::forget(uint64_t begin, uint64_t end, std::string_view reason) {
  if (baseline_ != nullptr && baseline_->made_from(begin, end)) baseline_ = nullptr;
  return code_.retire_made_from(begin, end, reason);
}

ProgramProfile Program::profile() const {
  std::scoped_lock lock(history_lock_);
  ProgramProfile profile = history_;
  code_.visit([&](const CodeBlock& block) { profile.add(block, image_.load_bias()); });
  return profile;
}

void Program::count_anew() {
  std::scoped_lock lock(history_lock_);
  history_.forget_executions();
  code_.visit([](const CodeBlock& block) { std::ranges::fill(block.counters, 0); });
}

void Program::reclaim(uint64_t epoch) {
  std::scoped_lock lock(history_lock_);
  code_.reclaim(epoch, [this](const CodeBlock& block) { history_.add(block, image_.load_bias()); });
}

bool Program::request(uint32_t function) {
  std::scoped_lock lock(requesting_);
  const bool whole = function == CompiledRange::kNoFunction;
  if (constant_.empty()) return false;
  if (!whole && !std::binary_search(constant_.begin(), constant_.end(), function)) return false;
  const uint32_t requested = whole ? constant_.front() : function;
  switch (code_.tier_state(requested)) {
    case MTEDBG_TierState_Requested:
    case MTEDBG_TierState_Compiling:
      return false;
    case MTEDBG_TierState_Committed:
      if (code_.best_tier(requested) > MTEDBG_Tier_Baseline) return false;
      break;
    default:
      break;
  }
  const std::span<const uint32_t> of = whole ? constant_ : std::span(&function, 1);
  code_.set_tier_states(of, MTEDBG_TierState_Requested);
  return true;
}

// Any failure leaves the existing code in place; the function can be requested again.
bool Program::compile(std::span<const uint32_t> functions,
                      const std::vector<TranslationUnit>& units, Span span) {
  std::shared_lock sources(environment_.sources);
  code_.set_tier_states(functions, MTEDBG_TierState_Compiling);
  try {
    const ProgramProfile known = profile();
    CompiledCode code = translator_.translate(units, plan(true, &known));
    point(Point::TierCompiled);
    const bool whole = span == Span::Complete;
    code_.commit(MTEDBG_BlockKind_OptimizedTier, MTEDBG_Tier_Optimized, std::move(code),
                 whole ? baseline_ : nullptr, span);
    if (whole && baseline_ != nullptr) code_.retire(baseline_, "the optimised tier is whole");
    if (whole) baseline_ = nullptr;
    point(Point::TierCommitted);
    return true;
  } catch (const std::exception&) {
    code_.set_tier_states(functions, MTEDBG_TierState_Failed);
    return false;
  }
}

bool Program::optimise(uint32_t function) {
  const auto at = std::lower_bound(functions_.begin(), functions_.end(), function);
  if (at == functions_.end() || *at != function) return false;
  const auto& symbol = image_.functions()[static_cast<size_t>(at - functions_.begin())];
  return compile({&function, 1}, {unit_of(symbol)}, Span::Partial);
}

bool Program::optimise_all() { return compile(constant_, all_units(), Span::Complete); }

}  // namespace mtetso
