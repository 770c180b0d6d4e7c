// SPDX-License-Identifier: MIT
//
// From finished words to a complete block: records, placed words, and the addresses in them.
#include <atomic>

#include "code/code.h"
#include "code/memop_words.h"
#include "code/sections.h"
#include "debug/arena.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_block{1};
std::atomic<uint64_t> g_next_memop{1};

std::span<mtedbg_Range> build_ranges(const CompiledCode& code, ArenaPieces& memory) {
  auto ranges = memory.array<mtedbg_Range>(code.ranges.size());
  size_t letters = 0;
  for (const CompiledRange& from : code.ranges)
    if (!from.symbol.empty()) letters += from.symbol.size() + 1;
  char* symbol = memory.array<char>(letters).data();
  for (size_t i = 0; i < ranges.size(); ++i) {
    const CompiledRange& from = code.ranges[i];
    ranges[i] = {.begin = from.begin,
                 .end = from.end,
                 .kind = from.kind,
                 .function = from.function,
                 .guest_rip = from.guest_rip,
                 .callee_block = from.callee_block,
                 .symbol = from.symbol.empty() ? 0 : address_of(symbol),
                 .symbol_length = static_cast<uint32_t>(from.symbol.size()),
                 .frame = MTEDBG_FrameKind_Unknown,
                 .frame_size = 0,
                 .line_count = 0,
                 .lines = 0};
    if (from.symbol.empty()) continue;
    symbol += from.symbol.copy(symbol, from.symbol.size()) + 1;
  }
  return ranges;
}

std::span<mtedbg_Memop> build_memops(const CompiledCode& code, uint64_t base, uint64_t block,
                                     std::span<const uint64_t> counters, ArenaPieces& memory) {
  auto memops = memory.array<mtedbg_Memop>(code.memops.size());
  for (size_t i = 0; i < memops.size(); ++i) {
    const CompiledMemop& from = code.memops[i];
    mtedbg_Memop& memop = memops[i];
    memop.id = g_next_memop++;
    memop.address = base + from.access_offset;
    if (from.tag_offset != CompiledMemop::kNone) memop.tag_address = base + from.tag_offset;
    memop.block = block;
    memop.guest_rip = from.guest_rip;
    memop.access = from.access;
    memop.size = from.size;
    memop.mode = from.mode;
    memop.pinned = from.pinned;
    if (from.counter != CompiledMemop::kNone) memop.counter = address_of(&counters[from.counter]);
    if (from.out_offset == CompiledMemop::kNone) continue;
    // Its words are checked at commit: the shared tag has no part in their number.
    const uint32_t access = code.words[from.access_offset / sizeof(uint32_t)];
    memop.out_address = base + from.out_offset;
    memop.out_end = memop.out_address + sizeof(uint32_t) * out_of_line(access, 0, 0, 0).count;
  }
  return memops;
}

}  // namespace

// Everything about the block that a reader may follow; none of it is reachable yet.
std::shared_ptr<CodeBlock> Code::build(uint32_t kind, uint32_t tier, const CompiledCode& code,
                                       Placement&& place) const {
  auto block = std::make_shared<CodeBlock>();
  mtedbg_Block& record = block->record;
  record.id = g_next_block++;
  record.code = id_;
  record.base = place.segment->base() + place.offset;
  record.length = code.words.size() * sizeof(uint32_t);
  record.segment = place.segment->id();
  record.kind = kind;
  record.tier = tier;
  record.state = MTEDBG_BlockState_Building;
  block->segment = std::move(place.segment);
  block->code = records_;
  block->ranges = build_ranges(code, block->memory);
  block->counters = block->memory.array<uint64_t>(code.counters.size());
  block->memops = build_memops(code, record.base, record.id, block->counters, block->memory);
  block->aborts = describe_sections(code, record.base, block->memops, block->writable(record.base),
                                    block->memory);
  block->functions = FuncToCodeRange(block->ranges);
  block->sources = code.sources;
  for (const CompiledEntry& entry : code.entries) block->guest_entries.push_back(entry.guest_rip);
  record.ranges = address_of(block->ranges.data());
  record.range_count = static_cast<uint32_t>(block->ranges.size());
  record.ranges_checksum = mtedbg_crc32(block->ranges.data(), block->ranges.size_bytes());
  record.memops = address_of(block->memops.data());
  record.memop_count = static_cast<uint32_t>(block->memops.size());
  return block;
}

// Writes the addresses of tier slots and counters into the placed words.
void Code::fix(const CompiledCode& code, const CodeBlock& block, uint8_t* written) const {
  constexpr int kImmediate = 5;  // of MOVZ and MOVK: bits 20:5
  const auto set = [&](uint32_t offset, uint64_t address) {
    auto* words = reinterpret_cast<uint32_t*>(written + offset);
    for (int part = 0; part < 3; ++part) {
      const uint32_t value = address >> (16 * part) & 0xffff;
      words[part] = (words[part] & ~(0xffffu << kImmediate)) | value << kImmediate;
    }
  };
  for (const CompiledFixup& fixup : code.fixups) {
    const TierSlot* at = slot(fixup.function);
    if (at == nullptr) throw CodeError("a fixup belongs to a function of another program");
    set(fixup.offset, address_of(at));
  }
  for (size_t i = 0; i < code.counters.size(); ++i)
    set(code.counters[i], address_of(&block.counters[i]));
}

}  // namespace mtetso
