// SPDX-License-Identifier: MIT
#include "fault/decision.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared,
                   kEither = MTEDBG_Mode_Either;

// Of the granules, which are one or two.
uint32_t first_tag(const Situation& now) { return now.tags[0]; }
uint32_t last_tag(const Situation& now) { return now.tags[now.granules - 1]; }

bool every_tag_is(const Situation& now, uint32_t tag) {
  return first_tag(now) == tag && last_tag(now) == tag;
}

bool is_foreign(const Situation& now, uint32_t tag) {
  return tag != now.shared && (tag != now.own || !now.owns);
}

bool some_tag_is_foreign(const Situation& now) {
  return is_foreign(now, first_tag(now)) || is_foreign(now, last_tag(now));
}

// Whether there can be memory of this core's own.
bool owns(const Situation& now) { return now.owns && now.own != now.shared; }

bool past(uint32_t threshold, uint32_t faults) { return threshold != 0 && faults >= threshold; }

// Interpret past its threshold is sticky.
uint32_t policy_of(const Situation& now) {
  const PolicyRules& rules = now.rules;
  const bool enough = past(rules.interpret_threshold, now.faults);
  return rules.policy == MTEDBG_Policy_Interpret && enough ? uint32_t{MTEDBG_Policy_Sticky}
                                                           : rules.policy;
}

// Whether every granule is of a kind that the memop's mode is right for.
inline bool settled(const Situation& now) {
  const bool mine = owns(now) && every_tag_is(now, now.own);
  const bool shared = every_tag_is(now, now.shared);
  return now.mode == kLocal ? mine : now.mode == kShared ? shared : mine || shared;
}

bool goes_out_of_line(const Situation& now) {
  const bool follow = now.rules.policy == MTEDBG_Policy_Follow;
  return follow && now.has_out_of_line && now.mode == kShared && !now.pinned;
}

// Makes a decision: from `now`, into `what`.
struct DecisionMaker {
  const Situation& now;
  Decision& what;

  void decide();

  void retag_all_but(uint32_t tag) {
    what.retag[0] = first_tag(now) != tag;
    what.retag[1] = now.granules == 2 && last_tag(now) != tag;
  }

  void take_shared() {
    retag_all_but(now.shared);
    what.barrier = what.retags();
    if (now.mode == kLocal && now.cause == Cause::TagCheck) what.patch_to = kShared;
  }

  void claim() {
    what.claim = what.barrier = true;
    retag_all_but(now.own);
  }

  void weaken() {
    what.patch_to = kLocal;
    what.quiesce = true;
  }

  void as_written() {
    what.as_written = true;
    what.claim = now.mode == kShared && owns(now) && !now.pinned;
    retag_all_but(what.claim ? now.own : now.shared);
    if (what.claim)
      what.patch_to = kLocal;
    else if (now.mode == kLocal)
      what.patch_to = kShared;
    what.claim = what.claim && what.retags();
  }

  void interpret() {
    what.interpret = true;
    what.barrier = what.barrier_after = some_tag_is_foreign(now);
  }

  // A misaligned access of memory that is all mine needs no tag change: no other core can access
  // it.
  void realign() {
    if (now.atomic) {
      what.guard = what.interpret = what.barrier = what.barrier_after = true;
      return;
    }
    if (policy_of(now) == MTEDBG_Policy_Interpret) return interpret();
    Situation either = now;
    either.mode = kEither;
    if (goes_out_of_line(now)) what.patch_to = kEither;
    if (now.mode == kEither || what.patch_to == kEither) {
      if (!settled(either)) take_shared();
      return;
    }
    if (!owns(now) || !every_tag_is(now, now.own)) take_shared();
    what.interpret = true;
  }
};

void DecisionMaker::decide() {
  what.reload = now.register_tag != now.own;
  if (now.cause == Cause::Alignment) return realign();

  if (settled(now)) return;
  const bool mine = owns(now) && every_tag_is(now, now.own);
  const uint32_t policy = policy_of(now);
  if (policy == MTEDBG_Policy_Interpret) return interpret();
  if (policy == MTEDBG_Policy_Seed) return as_written();
  const bool claims = past(now.rules.claim_threshold, now.faults) && owns(now) && !now.pinned;
  if (claims && now.writable && now.mode == kLocal && !some_tag_is_foreign(now)) return claim();
  if (claims && now.mode == kShared && mine && now.may_weaken) return weaken();
  if (mine && goes_out_of_line(now))
    what.patch_to = kEither;
  else
    take_shared();
}

}  // namespace

Decision decide(const Situation& now) {
  Decision what;
  DecisionMaker{now, what}.decide();
  return what;
}

}  // namespace mtetso
