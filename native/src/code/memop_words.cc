// SPDX-License-Identifier: MIT
#include "code/memop_words.h"

#include <array>

namespace mtetso {
namespace {

using namespace access_words;

constexpr uint32_t kSizeShift = 30;

// An access is its opcode with size in bits 31:30, Rn in 9:5 and Rt in 4:0.
struct Pattern {
  uint32_t opcode;
  uint32_t access;
  uint32_t mode;
};

constexpr std::array<Pattern, 4> kPlain{{
    {kLdr, MTEDBG_Access_Load, MTEDBG_Mode_Local},
    {kStr, MTEDBG_Access_Store, MTEDBG_Mode_Local},
    {kLdapr, MTEDBG_Access_Load, MTEDBG_Mode_Shared},
    {kStlr, MTEDBG_Access_Store, MTEDBG_Mode_Shared},
}};

struct AtomicPattern {
  uint32_t opcode;
  AtomicOp op;
};

constexpr std::array<AtomicPattern, 6> kAtomic{{
    {0x38e00000, AtomicOp::Add},          // LDADDAL
    {0x38e01000, AtomicOp::Clear},        // LDCLRAL
    {0x38e02000, AtomicOp::Xor},          // LDEORAL
    {0x38e03000, AtomicOp::Set},          // LDSETAL
    {0x38e08000, AtomicOp::Swap},         // SWPAL
    {0x08e0fc00, AtomicOp::CompareSwap},  // CASAL
}};
constexpr uint32_t kAtomicMask = 0x3fe0ffe0;  // without size, Rs and Rt

constexpr uint32_t kScratch = 26;
constexpr uint32_t kLdg = 0xd9600000 | kBase | kAddressRegister;  // LDG x16, [x16]
constexpr uint32_t kEorTag =                                      // EOR x26, x27, x16, LSR #56
    0xca400000 | kAddressRegister << 16 | 56u << 10 | kCoreRegister << 5 | kScratch;
constexpr uint32_t kAndTag = 0x92400c00 | kScratch << 5 | kScratch;  // AND x26, x26, #15
constexpr uint32_t kDmbIsh = 0xd5033bbf, kDmbIshld = 0xd50339bf;

constexpr uint32_t cbz(uint32_t words) { return 0xb4000000 | words << 5 | kScratch; }
constexpr uint32_t cbnz(uint32_t words) { return 0xb5000000 | words << 5 | kScratch; }

constexpr uint32_t kPairSwap = 0x4860fc00;      // CASPAL of two X registers each
constexpr uint32_t kPairSwapMask = 0xffe1ffe1;  // without Rs and Rt, which are even

}  // namespace

std::optional<AccessWord> decode_access(uint32_t word) {
  AccessWord found{.size = 1u << (word >> kSizeShift), .data = word & 31};
  for (const Pattern& pattern : kPlain) {
    if ((word & kPlainMask) != (pattern.opcode | kBase)) continue;
    found.access = pattern.access;
    found.mode = pattern.mode;
    return found;
  }
  for (const AtomicPattern& pattern : kAtomic) {
    if ((word & kAtomicMask) != (pattern.opcode | kBase)) continue;
    found.access = MTEDBG_Access_ReadModifyWrite;
    found.op = pattern.op;
    found.source = (word >> 16) & 31;
    return found;
  }
  if ((word & kPairSwapMask) == (kPairSwap | kBase)) {
    found.access = MTEDBG_Access_ReadModifyWrite;
    found.op = AtomicOp::CompareSwap;
    found.size = 16;
    found.source = (word >> 16) & 31;
    return found;
  }
  return std::nullopt;
}

OutOfLine out_of_line(uint32_t access, uint32_t shared_tag, uint64_t at, uint64_t back) {
  OutOfLine made;
  const auto put = [&](uint32_t word) { made.words[made.count++] = word; };
  const auto go_back = [&] { put(branch_word(at + sizeof(uint32_t) * made.count, back)); };
  const AccessWord what = decode_access(access).value_or(AccessWord{});
  put(kLdg);
  put(kEorTag);
  put(kAndTag);
  if (what.op != AtomicOp::None) {
    put(cbz(2));
    put(tag_word(MTEDBG_Mode_Shared, shared_tag));
    put(access);
    go_back();
    return made;
  }
  const uint32_t plain = access_word_in(access, MTEDBG_Mode_Local).value_or(0);
  put(cbnz(3));
  put(plain);
  go_back();
  put(tag_word(MTEDBG_Mode_Shared, shared_tag));
  if (what.size == 1) {
    put(access_word_in(access, MTEDBG_Mode_Shared).value_or(0));
  } else if (what.access == MTEDBG_Access_Load) {
    put(plain);
    put(kDmbIshld);
  } else {
    put(kDmbIsh);
    put(plain);
  }
  go_back();
  return made;
}

}  // namespace mtetso
