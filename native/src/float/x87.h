// SPDX-License-Identifier: MIT
//
// The x87 unit: its state, and its instructions exactly as x86 does them. Arithmetic is Berkeley
// SoftFloat's, with its rules for NaNs of the 8086 (docs/dependencies.md).
//
// Rules: Intel SDM volume 1, 4.8, 4.9 and chapter 8; volume 2 for each instruction.
#pragma once

#include <cstdint>

namespace mtetso {

// A number of 80 bits as in memory.
struct Extended {
  uint64_t significand;  // with its integer bit
  uint16_t sign_exponent;
};

enum class X87Op : uint8_t {
  Load,          // pushes the source
  LoadConstant,  // pushes a constant; index: fld1 0, fldl2t, fldl2e, fldpi, fldlg2, fldln2, fldz
  Store,         // st(0) as `format`, of memory without the pop: that comes after the access
  Exchange,
  Free,
  Increment,  // of TOP
  Decrement,
  Move,  // st(index) to st(0) if the operand is not 0
  Add,   // of the destination and the source, as the next five
  Subtract,
  SubtractReversed,
  Multiply,
  Divide,
  DivideReversed,
  Compare,         // st(0) with the source
  CompareQuietly,  // the same, signals for signaling NaNs only
  Test,
  Examine,
  ChangeSign,
  Absolute,
  SquareRoot,
  RoundToInteger,
  Scale,
  Remainder,         // fprem
  RemainderNearest,  // fprem1
  Extract,
  PowerLessOne,  // f2xm1
  YLogX,         // fyl2x
  YLogXPlusOne,  // fyl2xp1
  ArcTangent,
  Sine,
  Cosine,
  SineCosine,
  Tangent,
  GetControl,
  SetControl,
  GetStatus,
  ClearExceptions,
  Initialise,
  Wait,      // for nothing but exceptions
  GetPiece,  // index: which 16 bytes of FXSAVE's area
  SetPiece,
  GetEnvironment,  // the first 16 bytes of FNSTENV's area
  SetEnvironment,
  MaskAll,  // exceptions, after FNSTENV has stored
};

// What a source is, or what is stored.
// Decimal: 18 digits of 4 bits and a sign (fbld, fbstp).
enum class X87Format : uint8_t { Register, Single, Double, Extended, Int16, Int32, Int64, Decimal };

// What to do, as generated code has it in a register.
struct X87Work {
  X87Op op = X87Op::Load;
  X87Format format = X87Format::Register;
  uint8_t index = 0;   // i of st(i)
  uint8_t detail = 0;  // as below

  static constexpr uint8_t kPops = 3;        // how often it pops
  static constexpr uint8_t kToRegister = 4;  // the destination is st(index), the source st(0)
  static constexpr uint8_t kToFlags = 8;     // a comparison's result is not for the status word

  constexpr uint32_t word() const {
    return static_cast<uint32_t>(op) | static_cast<uint32_t>(format) << 8 | uint32_t{index} << 16 |
           uint32_t{detail} << 24;
  }
  static constexpr X87Work of(uint32_t word) {
    return {static_cast<X87Op>(word & 0xff), static_cast<X87Format>(word >> 8 & 0xff),
            static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 24)};
  }
};

namespace x87 {
// Of the status word; the exceptions are in the order of MXCSR's.
inline constexpr uint16_t kInvalid = 1, kDenormal = 2, kDivideByZero = 4, kOverflow = 8,
                          kUnderflow = 16, kInexact = 32, kExceptions = 63, kStackFault = 1 << 6,
                          kSummary = 1 << 7, kC0 = 1 << 8, kC1 = 1 << 9, kC2 = 1 << 10,
                          kC3 = 1 << 14, kBusy = 1 << 15, kTop = 7 << 11;
inline constexpr unsigned kTopShift = 11;
inline constexpr uint16_t kControlAtStart = 0x37f;
// Of the control word: bits that can be set, and one that always is.
inline constexpr uint16_t kControlBits = 0x1f3f, kControlFixed = 0x40;
}  // namespace x87

struct X87State {
  Extended registers[8];  // by their numbers; st(0) is the one with number `top`
  uint16_t control;
  uint16_t status;  // without TOP
  uint8_t top;
  uint8_t full;  // bit i: register i is not empty

  uint16_t status_word() const { return static_cast<uint16_t>(status | top << x87::kTopShift); }
};

// As fninit leaves it, with registers of zeros.
void initialise(X87State& state);

// FXSAVE's area up to the vectors (SDM volume 1, 10.5.1), in pieces of 16 bytes: control, status,
// which registers are not empty; addresses, which are zeros; st(0) to st(7).
inline constexpr unsigned kX87Pieces = 10, kX87FirstRegister = 2;
void get_piece(const X87State& state, unsigned piece, uint64_t (&to)[2]);
// The first one says where st(0) is for the others.
void set_piece(X87State& state, unsigned piece, const uint64_t (&from)[2]);

// FNSTENV's area (SDM volume 1, 8.1.10): control, status, tags; addresses, which are zeros.
inline constexpr unsigned kX87Environment = 28;
void get_environment(const X87State& state, uint64_t (&to)[2]);
void set_environment(X87State& state, const uint64_t (&from)[2]);

struct X87Result {
  uint64_t value[2] = {};  // what is stored, or kLess… of a comparison to flags (float/sse.h)
  uint32_t unmasked = 0;   // exceptions that are not masked; if there are any, nothing was done
};

// `operand`: the source in memory, its lowest bytes first.
X87Result perform(X87State& state, const X87Work& work, const uint64_t (&operand)[2]);

}  // namespace mtetso
