// SPDX-License-Identifier: MIT
//
// A phase of fault handling is a place in the code with a name: a breakpoint there stops before
// the phase's effect, with the effects of all phases before it done. The label, the SDT probe and
// the entry in the root's "phases" come from the same asm statement, so they are one address.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <span>

namespace mtetso {

// A direction's patches come in its own order, so the two patch phases have two points each.
std::span<const mtedbg_PhasePoint> phase_points();

}  // namespace mtetso
