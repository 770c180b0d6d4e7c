// SPDX-License-Identifier: MIT
//
// The two instruction words of a memop, [1] the tag insert and [2] the access, in both modes.
//
//            local                       shared
//   [1]      bfi x16, x27, #56, #4       tag 0:  bfc x16, #56, #4
//                                        tag 15: orr x16, x16, #0x0f00000000000000
//   [2] load  ldr{b,h} t, [x16]          ldapr{b,h} t, [x16]      (RCpc acquire, FEAT_LRCPC)
//   [2] store str{b,h} t, [x16]          stlr{b,h}  t, [x16]
//   [2] RMW   ld<op>al, swpal, casal s, t, [x16] in both (FEAT_LSE)
//             caspal s, s+1, t, t+1, [x16], of 16 bytes
//
// Encodings: Arm ARM C6.2.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <optional>

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

// The access word in `mode`; an RMW is returned unchanged. Empty for any other word.
std::optional<uint32_t> access_word_in(uint32_t word, uint32_t mode);

// The tag insert of a mode.
uint32_t tag_word(uint32_t mode, uint32_t shared_tag);

}  // namespace mtetso
