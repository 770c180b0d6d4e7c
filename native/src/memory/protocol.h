// SPDX-License-Identifier: MIT
//
// Every change of a tag or a memop uses this: one lock, its journal slot, and a retag with its
// barriers.
//
// A granule gets a new owner by way of the guard tag: guard tag, barriers, new tag. A thread that
// accesses it in between faults and waits for the lock. Without that, a third core could pass the
// check by the new tag before the barrier, see the result of the owner's plain store, and then miss
// what the owner stored earlier. There are two barriers: one waits for the owner's accesses, but a
// load may be done before its own tag check (herd7, aarch64hwreqs.cat); the second completes those.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/quiescence.h"
#include "memory/raw_lock.h"
#include "memory/signals.h"
#include "options.h"

namespace mtetso {

class Protocol {
 public:
  explicit Protocol(const CoreTags& tags, Quiescence::How how = Quiescence::How::Alone)
      : tags_(tags), quiescence_(how) {}
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  const CoreTags& tags() const { return tags_; }
  uint32_t shared_tag() const { return tags_.shared; }
  // Whether memory can have a core's tag, and the one that memory of its threads gets.
  bool owns(uint32_t core_tag) const { return core_tag != tags_.nobody; }
  uint32_t memory_tag(uint32_t core_tag) const {
    if (tags_.nobodys_memory) return tags_.guard;
    return owns(core_tag) ? core_tag : shared_tag();
  }
  Quiescence& quiescence() { return quiescence_; }

  RawLock& lock() { return lock_; }
  // The lock, and who holds it, for a debugger; `frame` is null where no guest thread asks.
  void acquire(const mtedbg_GuestFrame* frame);
  void release();
  uint64_t next_generation() { return ++generation_; }  // under the lock

  // Calls `use` while every granule of [address, address + length) is shared or, where it is local
  // to a core, has the guard tag; then each has its own tag again: what the host has accessed is as
  // local as before. The memory must be writable. `use` must not fault. While there is one guest
  // thread, nobody has to be kept out. Not for the fault handler, which has these steps apart, as
  // phases. Returns the number of granules that had the guard tag.
  template <typename Use>
  size_t while_guarded(mtedbg_GuestFrame* frame, uint64_t address, size_t length, const Use& use) {
    const SignalsHeld held;
    acquire(frame);
    const std::vector<Lent> lent = take(frame, address, length);
    use();
    give_back(frame, lent);
    release();
    return lent.size();
  }

  // Gives all granules of writable memory the tag `tag`, by way of the guard tag unless there is
  // only one guest thread.
  void hand_over(const mtedbg_GuestFrame* frame, uint64_t address, size_t length, uint32_t tag);

 private:
  // A granule that has the guard tag for a while, and its own.
  struct Lent {
    uint64_t granule;
    uint32_t tag;
  };

  std::vector<Lent> take(mtedbg_GuestFrame* frame, uint64_t address, size_t length);
  void give_back(mtedbg_GuestFrame* frame, const std::vector<Lent>& lent);

  const CoreTags tags_;
  RawLock lock_;
  uint64_t generation_ = 0;
  Quiescence quiescence_;
};

}  // namespace mtetso
