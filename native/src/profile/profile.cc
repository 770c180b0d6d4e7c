// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <algorithm>
#include <atomic>

namespace mtetso {
namespace {

// Another thread may be changing it: each field is read once.
uint32_t now(const uint32_t& field) {
  return std::atomic_ref(const_cast<uint32_t&>(field)).load(std::memory_order_relaxed);
}

}  // namespace

void ProgramProfile::add(const CodeBlock& block) {
  MemopKey key;
  // Memops of one instruction are in the order in which they were emitted.
  for (const mtedbg_Memop& memop : block.memops) {
    key = memop.guest_rip == key.guest_rip ? MemopKey{key.guest_rip, key.ordinal + 1}
                                           : MemopKey{memop.guest_rip, 0};
    add(key, {.access = memop.access,
              .size = memop.size,
              .mode = now(memop.mode),
              .flips = now(memop.flips),
              .faults = now(memop.faults),
              .pinned = now(memop.pinned) != 0});
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

const ProgramProfile* Profile::find(uint64_t digest) const {
  for (const ProgramProfile& program : programs)
    if (program.digest == digest) return &program;
  return nullptr;
}

}  // namespace mtetso
