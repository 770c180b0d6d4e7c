// SPDX-License-Identifier: MIT
#include "fault/decision.h"

namespace mtetso {
namespace {

bool every_tag_is(const Situation& now, uint32_t tag) {
  for (uint32_t i = 0; i < now.granules; ++i)
    if (now.tags[i] != tag) return false;
  return true;
}

bool some_tag_is_foreign(const Situation& now) {
  for (uint32_t i = 0; i < now.granules; ++i)
    if (now.tags[i] != now.shared && now.tags[i] != now.own) return true;
  return false;
}

void take_shared(const Situation& now, Decision& what) {
  for (uint32_t i = 0; i < now.granules; ++i) what.retag[i] = now.tags[i] != now.shared;
  what.barrier = what.retags();
}

Decision interpreted(const Situation& now, Decision what) {
  what.interpret = true;
  what.barrier = what.barrier_after = some_tag_is_foreign(now);
  return what;
}

// A misaligned access of memory that is mine alone needs no tag changed: nobody else can be in it.
Decision realigned(const Situation& now, Decision what) {
  if (now.atomic) {
    what.guard = what.interpret = what.barrier = what.barrier_after = true;
    return what;
  }
  if (now.policy == MTEDBG_Policy_Interpret) return interpreted(now, what);
  if (!every_tag_is(now, now.own)) take_shared(now, what);
  what.interpret = true;
  return what;
}

}  // namespace

Decision decide(const Situation& now) {
  Decision what;
  what.reload = now.register_tag != now.own;
  if (now.cause == Cause::Alignment) return realigned(now, what);

  const bool local = now.mode == MTEDBG_Mode_Local;
  // A core without a tag of its own has the shared one: nothing is "mine" then.
  const bool mine = now.own != now.shared && every_tag_is(now, now.own);
  if (local && mine) return what;
  if (!local && every_tag_is(now, now.shared)) return what;
  if (now.policy == MTEDBG_Policy_Interpret) return interpreted(now, what);
  if (!local && mine && now.policy == MTEDBG_Policy_Seed && !now.pinned) {
    what.patch_to = MTEDBG_Mode_Local;
    return what;
  }
  take_shared(now, what);
  if (local) what.patch_to = MTEDBG_Mode_Shared;
  return what;
}

}  // namespace mtetso
