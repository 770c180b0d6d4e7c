// SPDX-License-Identifier: MIT
//
// System calls whose arguments only have to be copied: out of the guest's memory before the host's
// call, into it afterwards. Structures are those that are the same on both machines; the old calls
// that only x86-64 has are given by the newer ones.
#pragma once

#include <cstdint>
#include <span>

#include "linux/host_call.h"

namespace mtetso {

// What one argument of the host's call is made from.
struct PlainArgument {
  enum class Kind : uint8_t {
    None,
    Constant,  // `value`
    Value,     // the guest's argument `from`
    Thread,    // likewise: the number of a thread or process
    Clock,     // likewise: a clock, which may be a thread's
    Path,      // a path, looked up as the guest sees files
    PathAt,    // the same, of the folder that the host's argument before is a descriptor of
    Text,      // another string
    In,        // `value` bytes that are read
    Out,       // `value` bytes that are written when the call succeeds
    InOut,     // both
    InArray,   // as many elements of `value` bytes as argument `count` says
    OutArray,  // the same; as many are written as the call returns
    Array,     // read, and written as a whole
    OutSized,  // bytes that are written; argument `count` points at their number, which changes
  };
  Kind kind = Kind::None;
  uint8_t from = 0;
  uint8_t count = 0;
  int32_t value = 0;
};

struct PlainCall {
  uint16_t number;  // of x86-64
  const char* name;
  int host;  // the host's number
  Restart restart;
  PlainArgument arguments[6];
};

inline constexpr size_t kPlainCalls = 164;
std::span<const PlainCall> plain_calls();  // sorted by number

}  // namespace mtetso
