// SPDX-License-Identifier: MIT
#include "code/sections.h"

#include <linux/rseq.h>

#include <algorithm>

#include "debug/arena.h"

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;
constexpr uint32_t kAddressWords = 3;  // MOVZ, MOVK, MOVK of x25
constexpr uint32_t kMovz = 0xd2800019, kMovk = 0xf2800019;
constexpr uint32_t kImmediate = 5;  // bits 20:5

uint32_t address_word(uint32_t part) { return (part == 0 ? kMovz : kMovk) | part << 21; }

void put_address(uint32_t* words, uint64_t address) {
  for (uint32_t part = 0; part < kAddressWords; ++part)
    words[part] = address_word(part) | (address >> 16 * part & 0xffff) << kImmediate;
}

}  // namespace

std::span<mtedbg_Memop*> describe_sections(const CompiledCode& code, uint64_t base,
                                           std::span<mtedbg_Memop> memops, uint32_t* words,
                                           ArenaPieces& memory) {
  const auto is_section = [](const CompiledMemop& one) {
    return one.abort_offset != CompiledMemop::kNone;
  };
  const auto count = std::count_if(code.memops.begin(), code.memops.end(), is_section);
  auto sections = memory.array<struct rseq_cs>(static_cast<size_t>(count));
  auto found = memory.array<mtedbg_Memop*>(sections.size());
  size_t at = 0;
  for (size_t i = 0; i < memops.size(); ++i) {
    const CompiledMemop& from = code.memops[i];
    if (from.begin_offset == CompiledMemop::kNone) continue;
    memops[i].restart_address = base + from.begin_offset;
    if (!is_section(from)) continue;
    memops[i].abort_address = base + from.abort_offset;
    const uint32_t start = from.begin_offset + kArmWords * kWord;
    struct rseq_cs& section = sections[at];
    section.start_ip = base + start;
    section.post_commit_offset = from.access_offset + kWord - start;
    section.abort_ip = memops[i].abort_address;
    put_address(words + from.begin_offset / kWord, address_of(&section));
    found[at++] = &memops[i];
  }
  std::sort(found.begin(), found.end(), [](const mtedbg_Memop* a, const mtedbg_Memop* b) {
    return a->abort_address < b->abort_address;
  });
  return found;
}

const char* find_section_fault(const CompiledCode& code, const CompiledMemop& memop) {
  const auto bad = [&](uint32_t offset) {
    return offset % kWord != 0 || offset / kWord >= code.words.size();
  };
  if (memop.begin_offset == CompiledMemop::kNone)
    return memop.abort_offset == CompiledMemop::kNone ? nullptr : "a section has no beginning";
  if (bad(memop.begin_offset) || memop.begin_offset > memop.access_offset)
    return "a memop does not begin before its access";
  if (memop.abort_offset == CompiledMemop::kNone) return nullptr;
  if (bad(memop.abort_offset) || memop.abort_offset < kWord)
    return "a section's abort handler is outside of the code";
  if (memop.begin_offset + kArmWords * kWord > memop.access_offset)
    return "a section begins after its access";
  if (memop.abort_offset + kWord > memop.begin_offset && memop.abort_offset <= memop.access_offset)
    return "a section's abort handler is inside of it";
  if (code.words[memop.abort_offset / kWord - 1] != kRseqSignature)
    return "a section's abort handler has no signature before it";
  for (uint32_t part = 0; part < kAddressWords; ++part)
    if (code.words[memop.begin_offset / kWord + part] != address_word(part))
      return "a section does not begin with the address of its description";
  return nullptr;
}

}  // namespace mtetso
