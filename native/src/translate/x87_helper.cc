// SPDX-License-Identifier: MIT
#include "translate/x87_helper.h"

namespace mtetso {

uint32_t x87_helper(Frame* frame, uint32_t what) {
  auto& [a, b, to] = frame->float_operands;
  const X87Result result = perform(frame->x87, X87Work::of(what), b);
  if (result.unmasked != 0) {
    frame->exit_detail = result.unmasked;
    return static_cast<uint32_t>(ExitReason::FloatingPoint);
  }
  to[0] = result.value[0];
  to[1] = result.value[1];
  return 0;
}

}  // namespace mtetso
