// SPDX-License-Identifier: MIT
#include "memory/code_pages.h"

#include <algorithm>
#include <new>

#include "memory/pages.h"
#include "memory/signals.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

struct Pages {
  Pages(uint64_t address, uint64_t length)
      : begin(page_down(strip_tag(address))),
        end(page_up(strip_tag(address) + std::max<uint64_t>(length, 1))) {}
  uint64_t begin, end;
};

}  // namespace

void CodePages::add(uint64_t begin, uint64_t end) {
  std::lock_guard hold(lock_);
  extents_[begin] = std::max(extents_[begin], end);
  any_.store(true, std::memory_order_release);
}

void CodePages::remove(uint64_t begin, uint64_t end) {
  std::lock_guard hold(lock_);
  protected_.erase(protected_.lower_bound(begin), protected_.lower_bound(end));
  std::map<uint64_t, uint64_t> left;
  for (const auto& [from, to] : extents_) {
    if (from < begin) left[from] = std::min(to, begin);
    if (to > end) left[std::max(from, end)] = to;
  }
  extents_ = std::move(left);
}

bool CodePages::some_is_code(uint64_t address, uint64_t length) const {
  const uint64_t begin = strip_tag(address);
  std::lock_guard hold(lock_);
  return std::any_of(extents_.begin(), extents_.end(), [&](const auto& one) {
    return one.first < begin + length && begin < one.second;
  });
}

bool CodePages::some_is_protected(uint64_t address, uint64_t length) const {
  const Pages pages(address, length);
  std::lock_guard hold(lock_);
  return protected_.lower_bound(pages.begin) != protected_.lower_bound(pages.end);
}

// Under the protocol's lock: the fault handler does not find a page protected between its decision
// to access it and the access.
bool CodePages::protect(uint64_t address, uint64_t length) {
  const Pages pages(address, length);
  for (uint64_t page = pages.begin; page < pages.end; page += page_size()) {
    if (holds(page, 1)) continue;
    const SignalsHeld held;
    protocol_.acquire(nullptr);
    const bool done = protect_tagged(page, page_size(), false);
    if (done) {
      std::lock_guard hold(lock_);
      protected_.insert(page);
    }
    protocol_.release();
    if (!done) return false;
  }
  return true;
}

bool CodePages::write(mtedbg_GuestFrame* writer, uint64_t address, uint64_t length,
                      const std::function<void()>& store) {
  const Pages pages(address, length);
  bool released = false;
  try {
    owner_->change_code(writer, pages.begin, pages.end, "the guest's code was written to", [&] {
      released = release(pages.begin, pages.end);
      if (released) store();
    });
  } catch (const std::bad_alloc&) {
    return false;
  }
  return released;
}

// First writable, then not listed: who finds a page that is not listed can write to it.
bool CodePages::release(uint64_t begin, uint64_t end) {
  for (uint64_t page = begin; page < end; page += page_size())
    if (covers(page, 1) && !protect_tagged(page, page_size(), true)) return false;
  std::lock_guard hold(lock_);
  protected_.erase(protected_.lower_bound(begin), protected_.lower_bound(end));
  return true;
}

}  // namespace mtetso
