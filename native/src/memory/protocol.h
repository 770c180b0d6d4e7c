// SPDX-License-Identifier: MIT
//
// What everyone who changes a tag or a memop goes through: one lock, the journal slot that goes
// with it, and a retag that is never without its barrier.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>

#include "memory/raw_lock.h"

namespace mtetso {

class Protocol {
 public:
  explicit Protocol(uint32_t shared_tag) : shared_tag_(shared_tag) {}
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  uint32_t shared_tag() const { return shared_tag_; }
  RawLock& lock() { return lock_; }
  // The lock, and who holds it, for a debugger; `frame` is null where no guest thread asks.
  void acquire(const mtedbg_GuestFrame* frame);
  void release();
  uint64_t next_generation() { return ++generation_; }  // under the lock

  // Takes every granule of [address, address + length) to shared: lock, journal, tags, barrier,
  // clear, unlock. Not for the fault handler, which has these steps apart, as phases.
  // Returns the number of granules that changed.
  size_t take_shared(mtedbg_GuestFrame* frame, uint64_t address, size_t length);

 private:
  const uint32_t shared_tag_;
  RawLock lock_;
  uint64_t generation_ = 0;
};

}  // namespace mtetso
