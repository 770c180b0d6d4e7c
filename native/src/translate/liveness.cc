// SPDX-License-Identifier: MIT

#include "translate/liveness.h"

#include <vector>

namespace mtetso {
namespace {

class Liveness {
 public:
  explicit Liveness(std::map<uint64_t, GuestInstruction>& instructions) {
    for (auto& [rip, insn] : instructions) {
      index_.emplace(rip, all_.size());
      all_.push_back(&insn);
    }
    before_.resize(all_.size());
  }

  void solve() {
    for (size_t i = 0; i < all_.size(); ++i) link(i);
    for (size_t i = 0; i < all_.size(); ++i) work_.push_back(i);
    while (!work_.empty()) {
      size_t i = work_.back();
      work_.pop_back();
      uint8_t in = live_in(*all_[i]);
      for (size_t earlier : before_[i]) add(earlier, in);
    }
  }

 private:
  static uint8_t live_in(const GuestInstruction& insn) {
    return static_cast<uint8_t>((insn.lazy_live & ~insn.lazy_written) | insn.lazy_read);
  }

  // Each flag is added to an instruction once, so the work is bounded.
  void add(size_t i, uint8_t live) {
    uint8_t now = all_[i]->lazy_live | live;
    if (now == all_[i]->lazy_live) return;
    all_[i]->lazy_live = now;
    work_.push_back(i);
  }

  void link(size_t i) {
    GuestInstruction& insn = *all_[i];
    bool next = insn.flow == Flow::Next || insn.flow == Flow::Branch;
    bool target = insn.flow == Flow::Jump || insn.flow == Flow::Branch;
    insn.lazy_live = next || target ? 0 : lazy_flag::kAll;
    if (next) follow(i, insn.next());
    if (target) follow(i, insn.op[0].immediate);
    // A string instruction that is repeated goes on from itself, which reads nothing more.
  }

  void follow(size_t from, uint64_t rip) {
    auto to = index_.find(rip);
    if (to == index_.end())
      all_[from]->lazy_live = lazy_flag::kAll;  // other code: nothing is known of it
    else
      before_[to->second].push_back(from);
  }

  std::map<uint64_t, size_t> index_;
  std::vector<GuestInstruction*> all_;
  std::vector<std::vector<size_t>> before_;
  std::vector<size_t> work_;
};

}  // namespace

void find_live_flags(std::map<uint64_t, GuestInstruction>& instructions) {
  Liveness(instructions).solve();
}

}  // namespace mtetso
