// SPDX-License-Identifier: MIT

#include "translate/liveness.h"

#include <algorithm>
#include <vector>

namespace mtetso {
namespace {

constexpr uint32_t kNowhere = UINT32_MAX;

class Liveness {
 public:
  explicit Liveness(std::span<GuestInstruction* const> all) : all_(all), to_(all.size()) {
    for (uint32_t i = 0; i < all_.size(); ++i) link(i);
  }

  // Backwards, until nothing changes: a flag is added to an instruction once. A pass more is needed
  // for each jump back on a flag's way from its reader.
  void solve() {
    constexpr int kPasses = 32;
    for (int pass = 0; pass < kPasses; ++pass)
      if (!spread()) return;
    for (GuestInstruction* insn : all_) insn->lazy_live = lazy_flag::kAll;
  }

 private:
  // Where an instruction goes on; kNowhere: not there, or to other code, of which nothing is known.
  struct Successors {
    uint32_t next = kNowhere, target = kNowhere;
  };

  static uint8_t live_in(const GuestInstruction& insn) {
    return static_cast<uint8_t>((insn.lazy_live & ~insn.lazy_written) | insn.lazy_read);
  }

  bool spread() {
    bool changed = false;
    for (size_t i = all_.size(); i-- != 0;) {
      uint8_t live = all_[i]->lazy_live;
      if (to_[i].next != kNowhere) live |= live_in(*all_[to_[i].next]);
      if (to_[i].target != kNowhere) live |= live_in(*all_[to_[i].target]);
      changed = changed || live != all_[i]->lazy_live;
      all_[i]->lazy_live = live;
    }
    return changed;
  }

  void link(uint32_t i) {
    GuestInstruction& insn = *all_[i];
    const bool next = insn.flow == Flow::Next || insn.flow == Flow::Branch;
    const bool target = insn.flow == Flow::Jump || insn.flow == Flow::Branch;
    insn.lazy_live = next || target ? 0 : lazy_flag::kAll;
    if (next) to_[i].next = follow(insn, insn.next(), i + 1);
    if (target) to_[i].target = follow(insn, insn.op[0].immediate, i + 1);
    // A string instruction that is repeated goes on from itself, which reads nothing more.
  }

  uint32_t follow(GuestInstruction& from, uint64_t rip, uint32_t likely) {
    if (likely < all_.size() && all_[likely]->rip == rip) return likely;
    const auto at = std::lower_bound(
        all_.begin(), all_.end(), rip,
        [](const GuestInstruction* one, uint64_t wanted) { return one->rip < wanted; });
    if (at != all_.end() && (*at)->rip == rip) return static_cast<uint32_t>(at - all_.begin());
    from.lazy_live = lazy_flag::kAll;
    return kNowhere;
  }

  std::span<GuestInstruction* const> all_;
  std::vector<Successors> to_;
};

}  // namespace

void find_live_flags(std::span<GuestInstruction* const> instructions) {
  Liveness(instructions).solve();
}

}  // namespace mtetso
