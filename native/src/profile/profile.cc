// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <set>

namespace mtetso {
namespace {

// Another thread may be changing it: each field is read once.
uint32_t now(const uint32_t& field) {
  return std::atomic_ref(const_cast<uint32_t&>(field)).load(std::memory_order_relaxed);
}

std::optional<uint64_t> executions_of(const mtedbg_Memop& memop) {
  if (memop.counter == 0) return std::nullopt;
  return std::atomic_ref(*reinterpret_cast<uint64_t*>(memop.counter))
      .load(std::memory_order_relaxed);
}

}  // namespace

Need need_of(const MemopRecord& record) {
  if (record.executions == 0u && record.faults == 0) return Need::Never;
  if (record.faults != 0 || record.flips != 0 || record.pinned) return Need::Order;
  if (record.mode == MTEDBG_Mode_Shared) return Need::Order;
  if (record.mode == MTEDBG_Mode_Either || !record.executions) return Need::Unknown;
  return Need::Local;
}

bool ModuleIdentity::same(const ModuleIdentity& other) const {
  if (!build_id.empty() && !other.build_id.empty()) return build_id == other.build_id;
  return digest != 0 && digest == other.digest;
}

void ProgramProfile::add(const CodeBlock& block, uint64_t load_bias) {
  MemopKey key;
  // Memops of one instruction are in the order in which they were emitted.
  for (const mtedbg_Memop& memop : block.memops) {
    const uint64_t address = memop.guest_rip - load_bias;
    key = address == key.guest_rip ? MemopKey{address, key.ordinal + 1} : MemopKey{address, 0};
    add(key, {.access = memop.access,
              .size = memop.size,
              .mode = now(memop.mode),
              .flips = now(memop.flips),
              .faults = now(memop.faults),
              .pinned = now(memop.pinned) != 0,
              .executions = executions_of(memop)});
  }
}

void ProgramProfile::add(const MemopKey& key, const MemopRecord& record) {
  const auto [at, fresh] = memops.try_emplace(key, record);
  if (fresh) return;
  MemopRecord& known = at->second;
  known.mode = std::max(known.mode, record.mode);
  known.flips += record.flips;
  known.faults += record.faults;
  known.pinned = known.pinned || record.pinned;
  // What was not counted in one place is not known.
  if (known.executions && record.executions)
    *known.executions += *record.executions;
  else
    known.executions.reset();
}

void ProgramProfile::forget_executions() {
  for (auto& [key, record] : memops)
    if (record.executions) record.executions = 0;
}

void ProgramProfile::add(const ProgramProfile& other) {
  for (const auto& [key, record] : other.memops) add(key, record);
}

static_assert(MTEDBG_Mode_Either > MTEDBG_Mode_Shared && MTEDBG_Mode_Shared > MTEDBG_Mode_Local,
              "the greater one includes the other");

MemopAdvice ProgramProfile::advice(const MemopKey& key) const {
  const auto at = memops.find(key);
  return at == memops.end() ? MemopAdvice{} : MemopAdvice{at->second.mode, at->second.pinned};
}

uint32_t ProgramProfile::checksum() const {
  std::vector<uint64_t> facts;
  for (const auto& [key, record] : memops) {
    facts.push_back(key.guest_rip);
    facts.push_back(uint64_t{key.ordinal} << 32 | record.mode << 1 | (record.pinned ? 1 : 0));
  }
  return mtedbg_crc32(facts.data(), facts.size() * sizeof(uint64_t));
}

const ProgramProfile* Profile::find(const ModuleIdentity& identity) const {
  for (const ProgramProfile& program : programs)
    if (program.identity.same(identity)) return &program;
  return nullptr;
}

void Profile::add(const ProgramProfile& program) {
  for (ProgramProfile& known : programs)
    if (known.identity.same(program.identity)) return known.add(program);
  programs.push_back(program);
}

namespace {

// A build id as far as people read it.
std::string shortened(const std::string& build_id) {
  constexpr size_t kShown = 7;
  return build_id.size() <= kShown ? build_id : build_id.substr(0, kShown) + "…";
}

std::string digest_in_words(const ModuleIdentity& identity) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(identity.digest));
  return text;
}

// Each once: "a, b, c and 4 more".
std::string listed(const std::vector<std::string>& words) {
  constexpr size_t kShown = 3;
  std::vector<std::string> once;
  for (const std::string& word : words)
    if (std::ranges::find(once, word) == once.end()) once.push_back(word);
  std::string all;
  for (size_t i = 0; i < std::min(once.size(), kShown); ++i) all += (i == 0 ? "" : ", ") + once[i];
  if (once.size() > kShown) all += " and " + std::to_string(once.size() - kShown) + " more";
  return all;
}

}  // namespace

std::string why_nothing(const Profile& profile, const std::string& name,
                        const ModuleIdentity& identity) {
  if (profile.programs.empty()) return "it is of no program";
  std::vector<std::string> names, build_ids, digests;
  for (const ProgramProfile& program : profile.programs) {
    names.push_back(program.name);
    if (program.name != name) continue;
    if (program.identity.build_id.empty() || identity.build_id.empty())
      digests.push_back(digest_in_words(program.identity));
    else
      build_ids.push_back(shortened(program.identity.build_id));
  }
  // As ModuleIdentity::same() compares them.
  if (!build_ids.empty())
    return "its " + name + " has build id " + listed(build_ids) + ", this one has " +
           shortened(identity.build_id);
  if (!digests.empty())
    return "its " + name + " has code digest " + listed(digests) + ", this one has " +
           digest_in_words(identity);
  return "nothing in it is of " + name + ": it is of " + listed(names);
}

namespace {

std::string needs_order(size_t instructions) {
  return std::to_string(instructions) + " instruction" +
         (instructions == 1 ? " needs order" : "s need order");
}

}  // namespace

std::string summary(const Profile& profile) {
  uint64_t executed = 0, local = 0;
  size_t need = 0;
  for (const ProgramProfile& program : profile.programs) {
    std::set<uint64_t> instructions;
    for (const auto& [key, record] : program.memops) {
      const Need found = need_of(record);
      executed += record.executions.value_or(0);
      if (found == Need::Local) local += record.executions.value_or(0);
      if (found == Need::Order) instructions.insert(key.guest_rip);
    }
    need += instructions.size();
  }
  if (executed == 0)
    return "no access was executed" +
           (need == 0 ? ": whether order is needed is not known" : "; " + needs_order(need));
  // Rounded down: 100 % means all.
  const auto share = static_cast<uint64_t>(static_cast<unsigned __int128>(local) * 1000 / executed);
  char text[160];
  std::snprintf(text, sizeof text,
                "of %llu executed accesses %llu.%llu %% touched memory of one owner only; ",
                static_cast<unsigned long long>(executed),
                static_cast<unsigned long long>(share / 10),
                static_cast<unsigned long long>(share % 10));
  return text + needs_order(need);
}

}  // namespace mtetso
