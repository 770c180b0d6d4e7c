// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "fault/decision.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared,
                   kEither = MTEDBG_Mode_Either;
constexpr uint32_t kSeed = MTEDBG_Policy_Seed, kSticky = MTEDBG_Policy_Sticky,
                   kInterpret = MTEDBG_Policy_Interpret, kFollow = MTEDBG_Policy_Follow;

struct Case {
  PolicyRules rules;
  uint32_t faults;
};

// Each policy below and past its thresholds.
constexpr Case kCases[] = {{{kSeed, 0, 0}, 0},      {{kSticky, 0, 0}, 5},
                           {{kSticky, 2, 0}, 1},    {{kSticky, 2, 0}, 2},
                           {{kInterpret, 0, 0}, 5}, {{kInterpret, 0, 2}, 1},
                           {{kInterpret, 0, 2}, 2}, {{kFollow, 0, 0}, 5}};

void for_each_state(Situation now, const std::function<void(const Situation&)>& body) {
  for (const bool owns : {true, false})
    for (uint32_t own = 0; own < 16; ++own)
      for (const uint32_t register_tag : {own, (own + 1) % 16, now.shared})
        for (uint32_t tags = 0; tags < 272; ++tags) {
          now.owns = owns;
          now.own = own;
          now.register_tag = register_tag;
          now.granules = tags < 16 ? 1 : 2;
          now.tags = tags < 16 ? std::array{tags, 0u} : std::array{(tags - 16) / 16, tags % 16};
          body(now);
        }
}

// Every situation there is: seven million of them.
void for_each_situation(const std::function<void(const Situation&)>& body) {
  for (const Cause cause : {Cause::TagCheck, Cause::Alignment})
    for (const uint32_t mode : {kLocal, kShared, kEither})
      for (const bool pinned : {false, true})
        for (const bool may_weaken : {false, true})
          for (const Case& one : kCases)
            for (const uint32_t shared : {0u, 15u}) {
              Situation now;
              now.cause = cause;
              now.mode = mode;
              now.pinned = pinned;
              now.may_weaken = may_weaken;
              now.rules = one.rules;
              now.faults = one.faults;
              now.shared = shared;
              // Only follow takes memops out of line; there are some without an out-of-line form.
              const bool follow = one.rules.policy == kFollow;
              if (mode == kEither && !follow) continue;
              now.has_out_of_line = mode == kEither;
              for_each_state(now, body);
              if (!follow || mode == kEither) continue;
              now.has_out_of_line = true;
              for_each_state(now, body);
            }
}

bool claims(const Situation& now) {
  return now.rules.policy == kSticky && now.rules.claim_threshold != 0 &&
         now.faults >= now.rules.claim_threshold && !now.pinned;
}

bool interprets(const Situation& now) {
  return now.rules.policy == kInterpret &&
         (now.rules.interpret_threshold == 0 || now.faults < now.rules.interpret_threshold);
}

bool has_own(const Situation& now) { return now.owns && now.own != now.shared; }

bool all_are(const Situation& now, uint32_t tag) {
  return std::all_of(now.tags.begin(), now.tags.begin() + now.granules,
                     [&](uint32_t one) { return one == tag; });
}

bool goes_out_of_line(const Situation& now) {
  return now.rules.policy == kFollow && now.has_out_of_line && !now.pinned && now.mode == kShared;
}

bool foreign(const Situation& now) {
  return std::any_of(now.tags.begin(), now.tags.begin() + now.granules, [&](uint32_t one) {
    return one != now.shared && (one != now.own || !now.owns);
  });
}

// The situation when the decision was carried out.
Situation carried_out(Situation now, const Decision& what) {
  for (uint32_t i = 0; i < now.granules; ++i)
    if (what.retag[i]) now.tags[i] = what.claim ? now.own : now.shared;
  if (what.patch_to != 0) now.mode = what.patch_to;
  if (what.reload) now.register_tag = now.own;
  return now;
}

// The tag of the memop's pointer when it runs again from [1].
uint32_t pointer_tag(const Situation& now) {
  // Out of line it is what the granule has, where that is this core's.
  const bool own = now.mode == kLocal || (now.mode == kEither && now.tags[0] == now.register_tag);
  return own ? now.register_tag : now.shared;
}

// Fails once with the first situation that breaks a rule, instead of a hundred thousand times.
void always(const char* rule, const std::function<bool(const Situation&, const Decision&)>& holds) {
  size_t broken = 0;
  for_each_situation([&](const Situation& now) {
    const Decision what = decide(now);
    if (holds(now, what) || broken++ != 0) return;
    FAIL_CHECK(rule << ": policy " << now.rules.policy << " faults " << now.faults << " owns "
                    << now.owns << " mode " << now.mode << " pinned " << now.pinned << " granules "
                    << now.granules << " tags " << now.tags[0] << " " << now.tags[1] << " own "
                    << now.own << " register " << now.register_tag << " shared " << now.shared
                    << " cause " << static_cast<int>(now.cause));
  });
  CHECK(broken == 0);
}

Decision table(uint32_t policy, uint32_t mode, uint32_t tag) {
  Situation now;
  now.mode = mode;
  now.rules.policy = policy;
  now.tags = {tag, 0};
  now.own = now.register_tag = 3;
  now.has_out_of_line = true;
  return decide(now);
}

constexpr uint32_t kMine = 3, kOther = 5, kEverybodys = 0;

Decision to_shared(bool retag) {
  Decision what;
  what.retag[0] = what.barrier = retag;
  what.patch_to = kShared;
  return what;
}

Decision retag_only() {
  Decision what;
  what.retag[0] = what.barrier = true;
  return what;
}

}  // namespace

TEST_CASE("the table, row by row") {
  CHECK(table(kSticky, kLocal, kEverybodys) == to_shared(false));
  CHECK(table(kSticky, kLocal, kOther) == to_shared(true));
  CHECK(table(kSticky, kLocal, kMine) == Decision{});
  CHECK(table(kSticky, kShared, kMine) == retag_only());
  CHECK(table(kSticky, kShared, kOther) == retag_only());
  CHECK(table(kSticky, kShared, kEverybodys) == Decision{});
}

TEST_CASE("seed, row by row: as it was written down") {
  Decision to_shared, to_local;
  to_shared.as_written = to_local.as_written = true;
  to_shared.patch_to = kShared;
  to_local.patch_to = kLocal;
  CHECK(table(kSeed, kLocal, kEverybodys) == to_shared);
  CHECK(table(kSeed, kShared, kMine) == to_local);
  to_shared.retag[0] = to_local.retag[0] = to_local.claim = true;
  CHECK(table(kSeed, kLocal, kOther) == to_shared);
  CHECK(table(kSeed, kShared, kOther) == to_local);
  CHECK(table(kSeed, kLocal, kMine) == Decision{});
  CHECK(table(kSeed, kShared, kEverybodys) == Decision{});
}

TEST_CASE("what sticky claims past its threshold") {
  Situation now;
  now.rules = {kSticky, 2, 0};
  now.faults = 2;
  now.own = now.register_tag = kMine;
  const auto with = [&](uint32_t mode, uint32_t tag) {
    now.mode = mode;
    now.tags = {tag, 0};
    return decide(now);
  };
  Decision claim, weaken;
  claim.retag[0] = claim.claim = claim.barrier = true;
  weaken.patch_to = kLocal;
  weaken.quiesce = true;
  CHECK(with(kLocal, kEverybodys) == claim);
  CHECK(with(kShared, kMine) == weaken);
  CHECK(with(kLocal, kOther) == to_shared(true));
  CHECK(with(kShared, kOther) == retag_only());
  now.may_weaken = false;
  CHECK(with(kShared, kMine) == retag_only());
  CHECK(with(kLocal, kEverybodys) == claim);
  now.writable = false;
  CHECK(with(kLocal, kEverybodys) == to_shared(false));
  now.writable = true;
  now.pinned = true;
  CHECK(with(kLocal, kEverybodys) == to_shared(false));
  now.pinned = false;
  now.faults = 1;
  CHECK(with(kLocal, kEverybodys) == to_shared(false));
}

TEST_CASE("follow, row by row") {
  Decision to_either;
  to_either.patch_to = kEither;
  CHECK(table(kFollow, kLocal, kEverybodys) == to_shared(false));
  CHECK(table(kFollow, kLocal, kOther) == to_shared(true));
  CHECK(table(kFollow, kLocal, kMine) == Decision{});
  CHECK(table(kFollow, kShared, kMine) == to_either);
  CHECK(table(kFollow, kShared, kOther) == retag_only());
  CHECK(table(kFollow, kShared, kEverybodys) == Decision{});
  CHECK(table(kFollow, kEither, kMine) == Decision{});
  CHECK(table(kFollow, kEither, kOther) == retag_only());
  CHECK(table(kFollow, kEither, kEverybodys) == Decision{});
}

TEST_CASE("follow, two granules, and what cannot go out of line") {
  Situation now;
  now.rules.policy = kFollow;
  now.own = now.register_tag = kMine;
  now.has_out_of_line = true;
  now.granules = 2;
  const auto with = [&](uint32_t mode, uint32_t first, uint32_t second) {
    now.mode = mode;
    now.tags = {first, second};
    return decide(now);
  };
  Decision second_too;
  second_too.retag[1] = second_too.barrier = true;
  CHECK(with(kEither, kMine, kMine) == Decision{});
  CHECK(with(kEither, kMine, kEverybodys) == retag_only());
  CHECK(with(kEither, kEverybodys, kMine) == second_too);
  CHECK(with(kShared, kMine, kEverybodys) == retag_only());
  now.cause = Cause::Alignment;
  Decision to_either;
  to_either.patch_to = kEither;
  CHECK(with(kShared, kMine, kMine) == to_either);
  CHECK(with(kShared, kEverybodys, kEverybodys) == to_either);
  CHECK(with(kEither, kMine, kMine) == Decision{});
  to_either.retag[1] = to_either.barrier = true;
  CHECK(with(kShared, kEverybodys, kOther) == to_either);
  now.cause = Cause::TagCheck;
  now.granules = 1;
  now.pinned = true;
  CHECK(with(kShared, kMine, 0) == retag_only());
  now.pinned = false;
  now.has_out_of_line = false;
  CHECK(with(kShared, kMine, 0) == retag_only());
}

TEST_CASE("a core without a tag of its own takes everything to shared") {
  for_each_situation([](const Situation& now) {
    if (has_own(now) || interprets(now) || now.cause != Cause::TagCheck) return;
    const Decision what = decide(now);
    for (uint32_t i = 0; i < now.granules; ++i)
      if (what.claim || what.retag[i] != (now.tags[i] != now.shared))
        FAIL_CHECK("policy " << now.rules.policy << " mode " << now.mode << " own " << now.own);
    if ((what.patch_to == kShared) != (now.mode == kLocal) || what.patch_to == kLocal)
      FAIL_CHECK("policy " << now.rules.policy << " mode " << now.mode << " own " << now.own);
  });
}

TEST_CASE("interpret, row by row") {
  Decision alone;
  alone.interpret = true;
  Decision against_owner = alone;
  against_owner.barrier = against_owner.barrier_after = true;
  CHECK(table(kInterpret, kLocal, kEverybodys) == alone);
  CHECK(table(kInterpret, kLocal, kOther) == against_owner);
  CHECK(table(kInterpret, kLocal, kMine) == Decision{});
  CHECK(table(kInterpret, kShared, kMine) == alone);
  CHECK(table(kInterpret, kShared, kOther) == against_owner);
  CHECK(table(kInterpret, kShared, kEverybodys) == Decision{});
}

TEST_CASE("a split lock stands alone, whatever the policy") {
  Decision guarded;
  guarded.guard = guarded.interpret = guarded.barrier = guarded.barrier_after = true;
  for_each_situation([&](Situation now) {
    now.atomic = true;
    Decision what = decide(now);
    what.reload = false;
    if (now.cause == Cause::Alignment ? what == guarded : !what.guard) return;
    FAIL_CHECK("policy " << now.rules.policy << " mode " << now.mode << " own " << now.own);
  });
}

TEST_CASE("rules that hold in every situation") {
  always("the core register is right afterwards", [](const Situation& now, const Decision& what) {
    return what.reload == (now.register_tag != now.own);
  });
  always("no retag without a barrier, but by seed", [](const Situation& now, const Decision& what) {
    const bool seed = now.rules.policy == kSeed && now.cause == Cause::TagCheck;
    return !what.retags() || what.barrier != seed;
  });
  always("no barrier without need", [](const Situation&, const Decision& what) {
    return what.retags() || what.interpret || !what.barrier;
  });
  always("only granules of the access, and only those that have another tag, are retagged",
         [](const Situation& now, const Decision& what) {
           const uint32_t to = what.claim ? now.own : now.shared;
           for (uint32_t i = 0; i < 2; ++i)
             if (what.retag[i] && (i >= now.granules || now.tags[i] == to)) return false;
           return true;
         });
  always("interpret changes neither tags nor words below its threshold",
         [](const Situation& now, const Decision& what) {
           return !interprets(now) || (!what.retags() && what.patch_to == 0);
         });
  always("another owner's granule is interpreted between barriers",
         [](const Situation& now, const Decision& what) {
           if (!what.interpret || !interprets(now)) return true;
           return what.barrier == foreign(now) && what.barrier_after == foreign(now);
         });
  always("nothing is weakened but on memory all mine, unpinned: by seed, or when it may be waited",
         [](const Situation& now, const Decision& what) {
           if (what.patch_to != kLocal) return true;
           if (now.pinned || now.mode != kShared || !has_own(now)) return false;
           if (now.rules.policy == kSeed) return what.as_written && !what.quiesce;
           return claims(now) && now.may_weaken && what.quiesce && all_are(now, now.own);
         });
  always("memory is claimed by seed, or from no other core",
         [](const Situation& now, const Decision& what) {
           if (!what.claim) return true;
           return has_own(now) && (now.rules.policy == kSeed || (claims(now) && !foreign(now)));
         });
  always("a patch is a change", [](const Situation& now, const Decision& what) {
    return what.patch_to == 0 || what.patch_to != now.mode;
  });
  always("an alignment fault is interpreted and patches nothing, or takes the memop out of line",
         [](const Situation& now, const Decision& what) {
           if (now.cause != Cause::Alignment) return true;
           if (now.mode == kEither) return what.patch_to == 0 && !what.interpret;
           return goes_out_of_line(now) ? what.patch_to == kEither && !what.interpret
                                        : what.patch_to == 0 && what.interpret;
         });
  always("a memop is taken out of line by follow, where it is shared",
         [](const Situation& now, const Decision& what) {
           return what.patch_to != kEither || goes_out_of_line(now);
         });
  always("memory of one's own stays so under follow, but where an access is of two kinds",
         [](const Situation& now, const Decision& what) {
           const bool mine = has_own(now) && all_are(now, now.own);
           return now.rules.policy != kFollow || !mine || !what.retags() ||
                  (now.mode == kShared && !goes_out_of_line(now));
         });
}

TEST_CASE("what is run again passes its tag check, with the ordering that its memory needs") {
  always("progress", [](const Situation& now, const Decision& what) {
    if (what.interpret) return true;
    const Situation then = carried_out(now, what);
    return all_are(then, pointer_tag(then));
  });
  always("plain accesses only where all is mine", [](const Situation& now, const Decision& what) {
    if (what.interpret) return true;
    const Situation then = carried_out(now, what);
    const bool mine = has_own(then) && all_are(then, then.own);
    return then.mode == kShared || mine || (then.mode == kEither && all_are(then, then.shared));
  });
  always("interpreted without barriers only what is shared or all mine",
         [](const Situation& now, const Decision& what) {
           if (!what.interpret || what.barrier) return true;
           return !foreign(carried_out(now, what));
         });
  always("never a second decision", [](const Situation& now, const Decision& what) {
    if (what.interpret) return true;
    return decide(carried_out(now, what)) == Decision{};
  });
}

}  // namespace mtetso
