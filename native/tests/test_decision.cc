// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "fault/decision.h"

namespace mtetso {
namespace {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared;
constexpr uint32_t kSeed = MTEDBG_Policy_Seed, kSticky = MTEDBG_Policy_Sticky,
                   kInterpret = MTEDBG_Policy_Interpret;

// Every situation there is: 626,688 of them.
void for_each_situation(const std::function<void(const Situation&)>& body) {
  Situation now;
  for (const Cause cause : {Cause::TagCheck, Cause::Alignment})
    for (const uint32_t mode : {kLocal, kShared})
      for (const bool pinned : {false, true})
        for (const uint32_t policy : {kSeed, kSticky, kInterpret})
          for (const uint32_t shared : {0u, 15u})
            for (uint32_t own = 0; own < 16; ++own)
              for (const uint32_t register_tag : {own, (own + 1) % 16, shared})
                for (uint32_t tags = 0; tags < 272; ++tags) {
                  now = {cause, mode, pinned,       policy, tags < 16 ? 1u : 2u,
                         {},    own,  register_tag, shared};
                  now.tags = tags < 16 ? std::array{tags, 0u}
                                       : std::array{(tags - 16) / 16, (tags - 16) % 16};
                  body(now);
                }
}

bool all_are(const Situation& now, uint32_t tag) {
  return std::all_of(now.tags.begin(), now.tags.begin() + now.granules,
                     [&](uint32_t one) { return one == tag; });
}

bool foreign(const Situation& now) {
  return std::any_of(now.tags.begin(), now.tags.begin() + now.granules,
                     [&](uint32_t one) { return one != now.own && one != now.shared; });
}

// The situation when the decision was carried out.
Situation carried_out(Situation now, const Decision& what) {
  for (uint32_t i = 0; i < now.granules; ++i)
    if (what.retag[i]) now.tags[i] = now.shared;
  if (what.patch_to != 0) now.mode = what.patch_to;
  if (what.reload) now.register_tag = now.own;
  return now;
}

// The tag of the memop's pointer when it runs again from [1].
uint32_t pointer_tag(const Situation& now) {
  return now.mode == kLocal ? now.register_tag : now.shared;
}

// Fails once with the first situation that breaks a rule, instead of a hundred thousand times.
void always(const char* rule, const std::function<bool(const Situation&, const Decision&)>& holds) {
  size_t broken = 0;
  for_each_situation([&](const Situation& now) {
    const Decision what = decide(now);
    if (holds(now, what) || broken++ != 0) return;
    FAIL_CHECK(rule << ": policy " << now.policy << " mode " << now.mode << " pinned " << now.pinned
                    << " granules " << now.granules << " tags " << now.tags[0] << " " << now.tags[1]
                    << " own " << now.own << " register " << now.register_tag << " shared "
                    << now.shared << " cause " << static_cast<int>(now.cause));
  });
  CHECK(broken == 0);
}

Decision table(uint32_t policy, uint32_t mode, uint32_t tag) {
  return decide({Cause::TagCheck, mode, false, policy, 1, {tag, 0}, 3, 3, 0});
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
  for (const uint32_t policy : {kSeed, kSticky}) {
    CHECK(table(policy, kLocal, kEverybodys) == to_shared(false));
    CHECK(table(policy, kLocal, kOther) == to_shared(true));
    CHECK(table(policy, kLocal, kMine) == Decision{});
    CHECK(table(policy, kShared, kOther) == retag_only());
    CHECK(table(policy, kShared, kEverybodys) == Decision{});
  }
  CHECK(table(kSticky, kShared, kMine) == retag_only());
  Decision weaken;
  weaken.patch_to = kLocal;
  CHECK(table(kSeed, kShared, kMine) == weaken);
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
    FAIL_CHECK("policy " << now.policy << " mode " << now.mode << " own " << now.own);
  });
}

TEST_CASE("rules that hold in every situation") {
  always("the core register is right afterwards", [](const Situation& now, const Decision& what) {
    return what.reload == (now.register_tag != now.own);
  });
  always("no retag without a barrier",
         [](const Situation&, const Decision& what) { return !what.retags() || what.barrier; });
  always("no barrier without need", [](const Situation&, const Decision& what) {
    return what.retags() || what.interpret || !what.barrier;
  });
  always("only granules of the access, and only those that are not shared, are retagged",
         [](const Situation& now, const Decision& what) {
           for (uint32_t i = 0; i < 2; ++i)
             if (what.retag[i] && (i >= now.granules || now.tags[i] == now.shared)) return false;
           return true;
         });
  always("interpret changes neither tags nor words",
         [](const Situation& now, const Decision& what) {
           return now.policy != kInterpret || (!what.retags() && what.patch_to == 0);
         });
  always("another owner's granule is interpreted between barriers",
         [](const Situation& now, const Decision& what) {
           if (!what.interpret || now.policy != kInterpret) return true;
           return what.barrier == foreign(now) && what.barrier_after == foreign(now);
         });
  always("nothing is weakened but by seed, unpinned, on memory all mine", [](const Situation& now,
                                                                             const Decision& what) {
    return what.patch_to != kLocal || (now.policy == kSeed && !now.pinned && now.mode == kShared &&
                                       now.own != now.shared && all_are(now, now.own));
  });
  always("a patch is a change", [](const Situation& now, const Decision& what) {
    return what.patch_to == 0 || what.patch_to != now.mode;
  });
  always("an alignment fault patches nothing and is interpreted",
         [](const Situation& now, const Decision& what) {
           return now.cause != Cause::Alignment || (what.patch_to == 0 && what.interpret);
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
    return then.mode == kShared || (then.own != then.shared && all_are(then, then.own));
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
