// SPDX-License-Identifier: MIT
//
// Memory that the guest may both write and execute, there or by another mapping of the same file. A
// page that code was made from is read-only for everybody until somebody writes to it; then the
// code is retired, and the page can be written until code is made from it again.
//
//   made from      the page is protected, then read; no write comes between
//   written        the store faults (fault/resolve.cc), or is the host's own (GuestMemory); the
//                  owner retires the code, and threads that are in it leave at their next poll; the
//                  page can be written; the store is made, before anybody makes code from the page
//                  again: otherwise two threads, one that writes and one that runs, could keep
//                  each other from doing so
//
// All of it has the shared tag for ever: tags of a page that is read-only cannot be changed.
//
// Files that are mapped shared (region_map.h: Outside) are written by the host alone, which asks
// in_the_way() first: of these, no page is protected but in name.
#pragma once

#include <mtedbg/debug_root.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "memory/protocol.h"

namespace mtetso {

class CodePages {
 public:
  // Who has made code from the pages.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Retires what was made from [begin, end), whole pages; then, when no thread runs that beyond
    // its next poll, and while no code is made, calls `write`. `writer`, which may be null, is the
    // guest thread that writes. Throws bad_alloc.
    virtual void change_code(mtedbg_GuestFrame* writer, uint64_t begin, uint64_t end,
                             std::string_view reason, const std::function<void()>& write) = 0;
  };

  explicit CodePages(Protocol& protocol) : protocol_(protocol) {}
  CodePages(const CodePages&) = delete;
  CodePages& operator=(const CodePages&) = delete;

  uint32_t shared_tag() const { return protocol_.shared_tag(); }

  // Called before the first page is added; the owner outlives this.
  void set_owner(Owner& owner) { owner_ = &owner; }

  // The guest may write and execute [begin, end), whole pages that are mapped with the shared tag.
  void add(uint64_t begin, uint64_t end);
  // It may execute [begin, end), which the host has at `host`: the bytes of a file from `offset` on
  // (GuestMemory::file_of; 0: none that is mapped elsewhere).
  void add_outside(uint64_t begin, uint64_t end, uint64_t host, uint32_t file, uint64_t offset);
  // It may not any more, or they are gone. What was made from them is retired already.
  void remove(uint64_t begin, uint64_t end);
  // Whether some of [address, address + length) is such memory. The tag in `address` is ignored.
  bool covers(uint64_t address, uint64_t length) const {
    return any() && some_is_code(address, length);
  }

  // Before the bytes in [address, address + length) are read to make code from them. The owner
  // keeps write() out until the code is published. False with errno set.
  bool protect(uint64_t address, uint64_t length);
  // Where the host reads what is at `address`, up to `length` bytes of it; empty if there are none.
  std::span<const uint8_t> bytes(uint64_t address, size_t length) const;
  // Whether some of it is protected. Cannot become true while the protocol's lock is held.
  bool holds(uint64_t address, uint64_t length) const {
    return any() && some_is_protected(address, length);
  }
  struct Range {
    uint64_t begin;
    uint64_t length;
  };
  // Code that was made from what will be written.
  using Way = std::optional<Range>;
  // Whether there has ever been such memory of a file.
  bool any_outside() const { return any_outside_.load(std::memory_order_acquire); }
  // What is in the way of a store to a file from `offset` on, which has a mapping at `address`.
  // Cannot become more while the protocol's lock is held.
  Way in_the_way(uint64_t address, uint64_t length, uint32_t file, uint64_t offset) const;
  // Calls `attempt`, which writes or returns what is in the way, after what is has been retired, as
  // write() does; again until nothing is. `way`: known before the first.
  template <typename Attempt>
  bool past(mtedbg_GuestFrame* writer, const Attempt& attempt, Way way = {}) {
    if (!way) way = attempt();
    while (way) {
      const Range one = *way;
      if (!write(writer, one.begin, one.length, [&] { way = attempt(); })) return false;
    }
    return true;
  }
  // Calls `store`, which writes there, once the pages can be written. False if they cannot. A fault
  // handler may call it if its thread holds no lock.
  bool write(mtedbg_GuestFrame* writer, uint64_t address, uint64_t length,
             const std::function<void()>& store);

  // Around fork(2): the child's copy is whole, and its lock free. Under the protocol's lock.
  void hold_for_fork() { lock_.lock(); }
  void release_after_fork() { lock_.unlock(); }

 private:
  // Whether there has ever been such memory: the fault handler asks often, and there rarely is.
  bool any() const { return any_.load(std::memory_order_acquire); }
  struct Extent {
    uint64_t end;
    uint64_t host = 0;  // 0: where the guest has it
    uint32_t file = 0;
    uint64_t offset = 0;
  };
  using Extents = std::map<uint64_t, Extent>;  // by beginning
  Extents::const_iterator extent_of(uint64_t address) const;
  bool is_outside(uint64_t page) const;
  bool some_is_code(uint64_t address, uint64_t length) const;
  bool some_is_protected(uint64_t address, uint64_t length) const;
  bool release(uint64_t begin, uint64_t end);

  Protocol& protocol_;
  Owner* owner_ = nullptr;
  std::atomic<bool> any_{false}, any_outside_{false};
  mutable std::mutex lock_;
  Extents extents_;
  std::set<uint64_t> protected_;  // pages
};

}  // namespace mtetso
