// SPDX-License-Identifier: MIT
//
// The guest's state in memory. A debugger knows the first part (mtedbg_GuestFrame); what follows
// is the runtime's own, reached by generated code through x28.
#pragma once

#include <mtedbg/debug_root.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "float/x87.h"

namespace mtetso {

// Why generated code returned to the dispatcher. frame->rip is the guest address to continue at.
enum class ExitReason : uint32_t {
  Poll = 1,        // the budget ran out
  Lookup,          // a guest address without translated code that this thread knows of
  Import,          // a host function is to be called; exit_detail is its index
  SystemCall,      // `syscall`; rip is already the address after it
  ThreadReturn,    // the thread's first function returned
  Throw,           // an instruction outside the subset was reached
  Divide,          // a division by zero or one whose quotient does not fit
  GuestFault,      // a guest access to an address that is not there; exit_detail is the address
  Undefined,       // ud2 was reached
  TierUp,          // a function's ticks are used up: a better tier is requested
  CallbackReturn,  // a guest function that the host called returned
  Misaligned,      // an access whose address has to be a multiple of 16; exit_detail is the address
  FloatingPoint,   // an exception that MXCSR does not mask; exit_detail is its flags
  BadControl,      // a value that MXCSR cannot have; exit_detail is the value
};

// Shared stubs that generated code jumps to. All take the guest address in x17; Import also the
// number of the host function in x20, Misaligned the address in x20. Those from DivideUnsigned on
// are called: they return to the address in x24 (translate/helpers.h).
enum class FrameStub : uint32_t {
  Poll,
  TierUp,
  Import,
  SystemCall,
  Dispatch,
  Throw,
  Divide,
  Undefined,
  Misaligned,
  DivideUnsigned,
  DivideSigned,
  CpuId,
  Float,
  X87,
  Count
};

// An entry of the cache that indirect branches search before they leave for the dispatcher.
struct JumpCacheEntry {
  uint64_t rip;
  uint64_t host;
};

// What tells results that the host's arithmetic has right from others, for elements of one size
// (lower_float.cc): a result twice, without its sign, is right if it is below `number`, or past
// `offset` by less than `normal`. Where MXCSR asks for what the host cannot do, no result is.
struct FloatLimits {
  uint64_t number[2];
  uint64_t normal[2];
  uint64_t offset[2];
};

struct Frame {
  static constexpr unsigned kJumpCacheBits = 12;
  static constexpr size_t kJumpCacheSize = size_t{1} << kJumpCacheBits;

  // Which entry a RIP has. Libraries lie at multiples of large powers of two: higher bits as well.
  static constexpr size_t jump_cache_index(uint64_t rip) {
    return (rip ^ rip >> kJumpCacheBits) % kJumpCacheSize;
  }

  mtedbg_GuestFrame guest;
  int32_t budget;  // polls left until generated code returns
  uint32_t exit_reason;
  uint64_t exit_detail;
  uint64_t callee;              // host entry of the guest function that the host calls
  std::atomic<uint64_t> epoch;  // in which it entered generated code (code/epochs.h); 0: outside
  uint64_t seen_epoch;          // the one that jump_cache belongs to
  uint64_t fs_base;             // base of segment FS: the thread pointer
  uint64_t gs_base;
  uint8_t parity;    // PF is set where this has an even number of ones
  uint8_t adjust;    // AF is bit 4
  int8_t direction;  // DF as the step of string instructions: 1 or -1
  uint8_t kept;      // flags that are kept, and do nothing: AC is bit 0, ID bit 3
  uint8_t unused[4];
  uint64_t float_control;                     // FPCR in generated code: MXCSR's rounding
  alignas(16) FloatLimits float_limits[2];    // v24 to v29: of single, of double
  alignas(16) uint64_t float_operands[3][2];  // of an operation that the host does, and its result
  X87State x87;
  uint64_t stubs[static_cast<size_t>(FrameStub::Count)];
  JumpCacheEntry jump_cache[kJumpCacheSize];
};

// Generated code and debuggers rely on these.
static_assert(offsetof(Frame, guest) == 0, "x28 points at the debugger's part");
static_assert(offsetof(mtedbg_GuestFrame, rax) == 0, "x86 encoding order, in pairs for LDP");
static_assert(offsetof(mtedbg_GuestFrame, rcx) == 8 * 1);
static_assert(offsetof(mtedbg_GuestFrame, rsp) == 8 * 4);
static_assert(offsetof(mtedbg_GuestFrame, rdi) == 8 * 7);
static_assert(offsetof(mtedbg_GuestFrame, r15) == 8 * 15);
static_assert(offsetof(mtedbg_GuestFrame, rip) == 8 * 16);
static_assert(offsetof(mtedbg_GuestFrame, flags) == 8 * 17);
static_assert(offsetof(mtedbg_GuestFrame, host_core_id) == 8 * 18);
static_assert(offsetof(mtedbg_GuestFrame, xmm0_low) % 16 == 0, "in pairs for LDP");
static_assert(offsetof(mtedbg_GuestFrame, xmm15_high) - offsetof(mtedbg_GuestFrame, xmm0_low) ==
              8 * 31);
static_assert(offsetof(Frame, float_operands) < 1008, "within reach of LDP");
static_assert(offsetof(Frame, stubs) < 4096, "within reach of LDR's scaled immediate");
static_assert(offsetof(Frame, jump_cache) < 4096, "within reach of ADD's immediate");

}  // namespace mtetso
