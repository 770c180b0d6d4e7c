// SPDX-License-Identifier: MIT
#include "translate/float_helper.h"

#include <algorithm>

#include "float/sse.h"

namespace mtetso {
namespace {

// For elements of one size: twice infinity and twice the smallest normal number, without sign, as
// many times as there are elements.
FloatLimits limits_of(uint64_t infinity, uint64_t smallest, uint64_t ones) {
  const uint64_t number = infinity + 1, offset = smallest + 1;
  FloatLimits limits{};
  std::fill_n(limits.number, 2, number * ones);
  std::fill_n(limits.normal, 2, (number - offset) * ones);
  std::fill_n(limits.offset, 2, offset * ones);
  return limits;
}

const FloatLimits kSingle = limits_of(0xff000000, 0x01000000, uint64_t{1} << 32 | 1);
const FloatLimits kDouble = limits_of(0xffe0000000000000, 0x0020000000000000, 1);

uint32_t leave(Frame& frame, ExitReason reason, uint64_t detail) {
  frame.exit_detail = detail;
  return static_cast<uint32_t>(reason);
}

}  // namespace

// FPCR's RMode: 0 to nearest, 1 up, 2 down, 3 to zero (Arm ARM C5.2).
void set_mxcsr(Frame& frame, uint32_t value) {
  constexpr uint64_t kModes[] = {0, 2, 1, 3};
  constexpr unsigned kModeShift = 22;
  const bool plain = mxcsr::is_plain(value);
  frame.guest.mxcsr = value;
  frame.float_control = kModes[mxcsr::rounding(value)] << kModeShift;
  frame.float_limits[0] = plain ? kSingle : FloatLimits{};
  frame.float_limits[1] = plain ? kDouble : FloatLimits{};
}

uint32_t float_helper(Frame* frame, uint32_t what) {
  const FloatWork work = FloatWork::of(what);
  auto& [a, b, to] = frame->float_operands;
  if (work.op == FloatOp::GetMxcsr) {
    to[0] = frame->guest.mxcsr;
    return 0;
  }
  if (work.op == FloatOp::SetMxcsr) {
    const auto value = static_cast<uint32_t>(b[0]);
    if ((value & ~mxcsr::kAll) != 0) return leave(*frame, ExitReason::BadControl, value);
    set_mxcsr(*frame, value);
    return 0;
  }
  uint32_t& control = frame->guest.mxcsr;
  const FloatResult result = perform(work, {{a[0], a[1]}}, {{b[0], b[1]}}, control);
  // Denormal operands are not noticed where the host does the arithmetic: there the flag would be
  // set for some and not for others.
  control |= mxcsr::is_plain(control) ? result.flags & ~mxcsr::kDenormal : result.flags;
  if (result.unmasked != 0) return leave(*frame, ExitReason::FloatingPoint, result.unmasked);
  to[0] = result.value.half[0];
  to[1] = result.value.half[1];
  return 0;
}

}  // namespace mtetso
