// SPDX-License-Identifier: MIT
//
// The two instruction words of a memop, [1] the tag insert and [2] the access, in each mode, and
// its out-of-line form.
//
//            local                       shared
//   [1]      bfi x16, x27, #56, #4       tag 0:  bfc x16, #56, #4
//                                        tag 15: orr x16, x16, #0x0f00000000000000
//   [2] load  ldr{b,h} t, [x16]          ldapr{b,h} t, [x16]      (RCpc acquire, FEAT_LRCPC)
//   [2] store str{b,h} t, [x16]          stlr{b,h}  t, [x16]
//   [2] RMW   ld<op>al, swpal, casal s, t, [x16] in both (FEAT_LSE)
//             caspal s, s+1, t, t+1, [x16], of 16 bytes
//
// Either, for accesses that meet memory of both kinds: [1] is a branch to the out-of-line form, [2]
// is the shared one and not run. The out-of-line form is written once, with the block, and never
// changes. It reads the granule's tag, and then is a local memop or a shared one:
//
//            ldg  x16, [x16]                 the pointer gets the granule's tag
//            eor  x26, x27, x16, lsr #56     x26 := not 0 if that is not this core's
//            and  x26, x26, #15
//            cbnz x26, other
//            ldr t, [x16]                    memory of this core: as a local memop
//            b    behind [2]
//   other:   bfc or orr, as above            all other memory: as a shared memop, and a fault where
//            ldr t, [x16]     | dmb ish      the memory is another core's
//            dmb ishld        | str t, [x16]
//            b    behind [2]
//
// What was read is only a prediction: the access is checked against the tag that it has in the
// pointer. With barriers the access may have any alignment; ldapr and stlr may not cross 16 bytes.
// Accesses of one byte, which cannot, are ldaprb and stlrb there. A read-modify-write is the same
// for both kinds, so only its pointer differs:
//
//            ldg, eor, and, cbz mine; bfc or orr;  mine: ldaddal s, t, [x16];  b behind [2]
//
// x26 is free in a memop. Nothing sets flags.
//
// Encodings: Arm ARM C6.2.
#pragma once

#include <mtedbg/debug_root.h>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>

namespace mtetso {

inline constexpr uint32_t kAddressRegister = 16;
inline constexpr uint32_t kCoreRegister = 27;
inline constexpr uint32_t kFrameRegister = 28;

enum class AtomicOp : uint8_t { None, Add, Clear, Xor, Set, Swap, CompareSwap };

// What an access word does, without its mode.
struct AccessWord {
  uint32_t access = 0;  // MTEDBG_Access_*
  uint32_t size = 0;    // bytes
  uint32_t data = 0;    // register loaded or stored; 31 is the zero register
  uint32_t source = 0;  // RMW: the operand (for CompareSwap the expected and returned value)
                        // of 16 bytes: each the first of two registers
  AtomicOp op = AtomicOp::None;
  uint32_t mode = 0;  // MTEDBG_Mode_*; 0 for an RMW, which is the same in both
};

// Empty for a word that is not an access of a memop through x16.
std::optional<AccessWord> decode_access(uint32_t word);

namespace access_words {
inline constexpr uint32_t kBase = kAddressRegister << 5, kBaseMask = 31u << 5;
inline constexpr uint32_t kLdr = 0x39400000, kStr = 0x39000000;  // immediate, unsigned offset 0
inline constexpr uint32_t kLdapr = 0x38bfc000, kStlr = 0x089ffc00;
inline constexpr uint32_t kPlainMask = 0x3fffffe0;
}  // namespace access_words

// The access word in `mode`; an RMW is returned unchanged. Empty for any other word. In line, as
// what follows: the fault handler patches with them.
inline std::optional<uint32_t> access_word_in(uint32_t word, uint32_t mode) {
  using namespace access_words;
  const bool local = mode == MTEDBG_Mode_Local;
  const uint32_t plain = word & kPlainMask;
  if (plain == (kLdr | kBase) || plain == (kLdapr | kBase))
    return (word & ~kPlainMask) | kBase | (local ? kLdr : kLdapr);
  if (plain == (kStr | kBase) || plain == (kStlr | kBase))
    return (word & ~kPlainMask) | kBase | (local ? kStr : kStlr);
  return decode_access(word) ? std::optional(word) : std::nullopt;
}

// The access word of a load or a store of 1, 2, 4 or 8 bytes: plain in mode Local, else ordered.
inline uint32_t load_store_word(bool store, uint32_t size, uint32_t data, uint32_t mode) {
  using namespace access_words;
  const bool local = mode == MTEDBG_Mode_Local;
  const uint32_t form = store ? (local ? kStr : kStlr) : (local ? kLdr : kLdapr);
  return static_cast<uint32_t>(std::countr_zero(size)) << 30 | form | kBase | data;
}

// The tag insert of mode Local or Shared.
inline uint32_t tag_word(uint32_t mode, uint32_t shared_tag) {
  constexpr uint32_t kRegister = kAddressRegister;
  constexpr uint32_t kBitfield = 0xb3400000 | 8u << 16 | 3u << 10 | kRegister;  // BFM #8, #3
  if (mode == MTEDBG_Mode_Local) return kBitfield | kCoreRegister << 5;
  if (shared_tag == 0) return kBitfield | 31u << 5;  // from the zero register: BFC
  return 0xb2400000 | 8u << 16 | 3u << 10 | access_words::kBase | kRegister;  // ORR, bits 59:56
}

// B from one word to another, both offsets or both addresses, in bytes. They are in one block,
// which is in reach.
inline uint32_t branch_word(uint64_t from, uint64_t to) {
  return 0x14000000 | ((to - from) >> 2 & 0x03ffffff);
}

// The words of an out-of-line form.
struct OutOfLine {
  static constexpr uint32_t kMost = 10;
  std::array<uint32_t, kMost> words{};
  uint32_t count = 0;

  std::span<const uint32_t> span() const { return {words.data(), count}; }
};

// That of the memop with the access word `access`, in either mode, for a place at `at`; it returns
// to `back`. `access` must be one that decode_access() knows.
OutOfLine out_of_line(uint32_t access, uint32_t shared_tag, uint64_t at, uint64_t back);

}  // namespace mtetso
