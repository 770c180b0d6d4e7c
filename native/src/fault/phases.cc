// SPDX-License-Identifier: MIT
#include "fault/phases.h"

#include <array>

#include "debug/arena.h"

// Where MTETSO_PHASE put them, in resolve.cc.
extern "C" {
extern const char mtetso_phase_fault[];
extern const char mtetso_phase_lookup[];
extern const char mtetso_phase_lock[];
extern const char mtetso_phase_retag[];
extern const char mtetso_phase_barrier[];
extern const char mtetso_phase_patch_memop_shared[];
extern const char mtetso_phase_patch_address_shared[];
extern const char mtetso_phase_patch_address_local[];
extern const char mtetso_phase_patch_address_either[];
extern const char mtetso_phase_patch_memop_local[];
extern const char mtetso_phase_icache[];
extern const char mtetso_phase_unlock[];
extern const char mtetso_phase_resume[];
}

namespace mtetso {

std::span<const mtedbg_PhasePoint> phase_points() {
  static const std::array<mtedbg_PhasePoint, 13> points{{
      {MTEDBG_Phase_Fault, 0, address_of(mtetso_phase_fault)},
      {MTEDBG_Phase_Lookup, 0, address_of(mtetso_phase_lookup)},
      {MTEDBG_Phase_Lock, 0, address_of(mtetso_phase_lock)},
      {MTEDBG_Phase_Retag, 0, address_of(mtetso_phase_retag)},
      {MTEDBG_Phase_Barrier, 0, address_of(mtetso_phase_barrier)},
      {MTEDBG_Phase_PatchMemop, 0, address_of(mtetso_phase_patch_memop_shared)},
      {MTEDBG_Phase_PatchAddress, 0, address_of(mtetso_phase_patch_address_shared)},
      {MTEDBG_Phase_PatchAddress, 0, address_of(mtetso_phase_patch_address_local)},
      {MTEDBG_Phase_PatchMemop, 0, address_of(mtetso_phase_patch_memop_local)},
      {MTEDBG_Phase_PatchAddress, 0, address_of(mtetso_phase_patch_address_either)},
      {MTEDBG_Phase_Icache, 0, address_of(mtetso_phase_icache)},
      {MTEDBG_Phase_Unlock, 0, address_of(mtetso_phase_unlock)},
      {MTEDBG_Phase_Resume, 0, address_of(mtetso_phase_resume)},
  }};
  return points;
}

}  // namespace mtetso
