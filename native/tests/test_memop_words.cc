// SPDX-License-Identifier: MIT
//
// Words as GNU as makes them; one line a word.
#include <doctest/doctest.h>

#include <vector>

#include "code/memop_words.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;
constexpr uint32_t kLoad = MTEDBG_Access_Load, kStore = MTEDBG_Access_Store,
                   kBoth = MTEDBG_Access_ReadModifyWrite;

void pair(uint32_t local, uint32_t shared, uint32_t access, uint32_t size, uint32_t data) {
  CAPTURE(local);
  for (const uint32_t mode : {kLocal, kShared}) {
    const auto decoded = decode_access(mode == kLocal ? local : shared);
    REQUIRE(decoded.has_value());
    CHECK(decoded->access == access);
    CHECK(decoded->size == size);
    CHECK(decoded->data == data);
    CHECK(decoded->mode == mode);
    CHECK(decoded->op == AtomicOp::None);
    CHECK(access_word_in(local, mode) == (mode == kLocal ? local : shared));
    CHECK(access_word_in(shared, mode) == (mode == kLocal ? local : shared));
  }
}

void atomic(uint32_t word, AtomicOp op, uint32_t size) {
  CAPTURE(word);
  const auto decoded = decode_access(word);
  REQUIRE(decoded.has_value());
  CHECK(decoded->access == kBoth);
  CHECK(decoded->op == op);
  CHECK(decoded->size == size);
  CHECK(decoded->data == 3);
  CHECK(decoded->source == 5);
  CHECK(decoded->mode == 0);
  CHECK(access_word_in(word, kLocal) == word);
  CHECK(access_word_in(word, kShared) == word);
}

}  // namespace

TEST_CASE("tag inserts") {
  CHECK(tag_word(kLocal, 0) == 0xb3480f70);    // bfi x16, x27, #56, #4
  CHECK(tag_word(kLocal, 15) == 0xb3480f70);   // bfi x16, x27, #56, #4
  CHECK(tag_word(kShared, 0) == 0xb3480ff0);   // bfc x16, #56, #4
  CHECK(tag_word(kShared, 15) == 0xb2480e10);  // orr x16, x16, #0xf00000000000000
}

TEST_CASE("plain and ordered accesses") {
  pair(0x39400203, 0x38bfc203, kLoad, 1, 3);    // ldrb w3, [x16]; ldaprb w3, [x16]
  pair(0x79400203, 0x78bfc203, kLoad, 2, 3);    // ldrh w3, [x16]; ldaprh w3, [x16]
  pair(0xb9400203, 0xb8bfc203, kLoad, 4, 3);    // ldr w3, [x16]; ldapr w3, [x16]
  pair(0xf9400203, 0xf8bfc203, kLoad, 8, 3);    // ldr x3, [x16]; ldapr x3, [x16]
  pair(0x39000203, 0x089ffe03, kStore, 1, 3);   // strb w3, [x16]; stlrb w3, [x16]
  pair(0x79000203, 0x489ffe03, kStore, 2, 3);   // strh w3, [x16]; stlrh w3, [x16]
  pair(0xb9000203, 0x889ffe03, kStore, 4, 3);   // str w3, [x16]; stlr w3, [x16]
  pair(0xf900021f, 0xc89ffe1f, kStore, 8, 31);  // str xzr, [x16]; stlr xzr, [x16]
}

TEST_CASE("atomic accesses") {
  atomic(0xb8e50203, AtomicOp::Add, 4);          // ldaddal w5, w3, [x16]
  atomic(0x38e51203, AtomicOp::Clear, 1);        // ldclralb w5, w3, [x16]
  atomic(0x78e52203, AtomicOp::Xor, 2);          // ldeoralh w5, w3, [x16]
  atomic(0xf8e53203, AtomicOp::Set, 8);          // ldsetal x5, x3, [x16]
  atomic(0xf8e58203, AtomicOp::Swap, 8);         // swpal x5, x3, [x16]
  atomic(0xc8e5fe03, AtomicOp::CompareSwap, 8);  // casal x5, x3, [x16]
  atomic(0x08e5fe03, AtomicOp::CompareSwap, 1);  // casalb w5, w3, [x16]
}

TEST_CASE("a pair of registers") {
  const uint32_t word = 0x4874fe16;  // caspal x20, x21, x22, x23, [x16]
  const auto decoded = decode_access(word);
  REQUIRE(decoded.has_value());
  CHECK(decoded->access == kBoth);
  CHECK(decoded->op == AtomicOp::CompareSwap);
  CHECK(decoded->size == 16);
  CHECK(decoded->source == 20);
  CHECK(decoded->data == 22);
  CHECK(access_word_in(word, kShared) == word);
}

TEST_CASE("out-of-line forms") {
  const auto is = [](uint32_t access, uint32_t shared, std::vector<uint32_t> wanted) {
    CAPTURE(access);
    const OutOfLine form = out_of_line(access, shared, 0x1000, 0x0f08);
    CHECK(std::vector(form.span().begin(), form.span().end()) == wanted);
  };
  constexpr uint32_t kLdg = 0xd9600210;  // ldg x16, [x16]
  constexpr uint32_t kEor = 0xca50e37a;  // eor x26, x27, x16, lsr #56
  constexpr uint32_t kAnd = 0x92400f5a;  // and x26, x26, #15
  const std::vector<uint32_t> load = {
      kLdg,       kEor,       kAnd,
      0xb500007a,              // cbnz x26, .+12
      0xf9400203, 0x17ffffbd,  // ldr x3, [x16]; b 0xf08
      0xb3480ff0,              // bfc x16, #56, #4
      0xf9400203, 0xd50339bf,  // ldr x3, [x16]; dmb ishld
      0x17ffffb9,              // b 0xf08
  };
  is(0xf9400203, 0, load);
  is(0xf8bfc203, 0, load);
  is(0xb9000203, 15,
     {kLdg, kEor, kAnd, 0xb500007a, 0xb9000203, 0x17ffffbd,
      0xb2480e10,              // orr x16, x16, #0xf00000000000000
      0xd5033bbf, 0xb9000203,  // dmb ish; str w3, [x16]
      0x17ffffb9});
  is(0x39400203, 0,
     {kLdg, kEor, kAnd, 0xb500007a, 0x39400203, 0x17ffffbd, 0xb3480ff0,
      0x38bfc203,  // ldaprb w3, [x16]
      0x17ffffba});
  is(0xf8e58203, 0,
     {kLdg, kEor, kAnd,
      0xb400005a,  // cbz x26, .+8
      0xb3480ff0,
      0xf8e58203,  // swpal x5, x3, [x16]
      0x17ffffbc});
  CHECK(branch_word(0x1000, 0x1010) == 0x14000004);
  CHECK(access_word_in(0xf9400203, MTEDBG_Mode_Either) == 0xf8bfc203);
}

TEST_CASE("words that are not an access of a memop") {
  for (const uint32_t word : {
           0xf94001e3u,  // ldr x3, [x15]: another base
           0xf9400603u,  // ldr x3, [x16, #8]: an offset
           0xb8250203u,  // ldadd w5, w3, [x16]: not ordered
           0xb9800203u,  // ldrsw x3, [x16]: no ordered form
           0xc8dffe03u,  // ldar x3, [x16]: stronger than x86 asks for
           0xfd400203u,  // ldr d3, [x16]: not a general register
           0x0874fe16u,  // caspal w20, w21, w22, w23, [x16]: of two words
           0x4834fe16u,  // caspl x20, x21, x22, x23, [x16]: no acquire
           0xd503201fu,  // nop
           0u,
           0xffffffffu,
       }) {
    CAPTURE(word);
    CHECK_FALSE(decode_access(word).has_value());
    CHECK_FALSE(access_word_in(word, kLocal).has_value());
  }
}

}  // namespace mtetso
