// SPDX-License-Identifier: MIT
#include "memory/code_pages.h"

#include <algorithm>
#include <new>

#include "memory/file_end.h"
#include "memory/pages.h"
#include "memory/signals.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

const uint8_t* host_bytes(uint64_t address) { return reinterpret_cast<const uint8_t*>(address); }

struct Pages {
  Pages(uint64_t address, uint64_t length)
      : begin(page_down(strip_tag(address))),
        end(page_up(strip_tag(address) + std::max<uint64_t>(length, 1))) {}
  uint64_t begin, end;
};

}  // namespace

void CodePages::add(uint64_t begin, uint64_t end) {
  std::lock_guard hold(lock_);
  Extent& one = extents_[begin];
  one = {.end = std::max(one.end, end)};
  any_.store(true, std::memory_order_release);
}

void CodePages::add_outside(uint64_t begin, uint64_t end, uint64_t host, uint32_t file,
                            uint64_t offset) {
  std::lock_guard hold(lock_);
  extents_[begin] = {end, host, file, offset};
  any_.store(true, std::memory_order_release);
  any_outside_.store(true, std::memory_order_release);
}

void CodePages::remove(uint64_t begin, uint64_t end) {
  std::lock_guard hold(lock_);
  protected_.erase(protected_.lower_bound(begin), protected_.lower_bound(end));
  Extents left;
  for (const auto& [from, one] : extents_) {
    if (from < begin) {
      left[from] = one;
      left[from].end = std::min(one.end, begin);
    }
    if (one.end > end) {
      const uint64_t first = std::max(from, end), distance = first - from;
      left[first] = {one.end, one.host == 0 ? 0 : one.host + distance, one.file,
                     one.offset + distance};
    }
  }
  extents_ = std::move(left);
}

// With lock_ held.
CodePages::Extents::const_iterator CodePages::extent_of(uint64_t address) const {
  auto after = extents_.upper_bound(address);
  if (after == extents_.begin() || (--after)->second.end <= address) return extents_.end();
  return after;
}

bool CodePages::is_outside(uint64_t page) const {
  std::lock_guard hold(lock_);
  const auto one = extent_of(page);
  return one != extents_.end() && one->second.host != 0;
}

// A file may be shorter than its mapping: what is behind its last page cannot be read.
std::span<const uint8_t> CodePages::bytes(uint64_t address, size_t length) const {
  std::lock_guard hold(lock_);
  const auto one = extent_of(address);
  if (one == extents_.end() || one->second.host == 0)
    return {host_bytes(with_tag(address, shared_tag())), length};
  const uint64_t host = one->second.host + (address - one->first);
  uint64_t size = std::min(length, one->second.end - address);
  if (!file_reaches(host, size)) size = std::min(size, page_up(host + 1) - host);
  if (!file_reaches(host, size)) size = 0;
  return {host_bytes(host), size};
}

CodePages::Way CodePages::in_the_way(uint64_t address, uint64_t length, uint32_t file,
                                     uint64_t offset) const {
  std::lock_guard hold(lock_);
  for (const auto& [begin, one] : extents_) {
    if (one.host == 0) continue;
    // Of the same file, or the same mapping: where its first byte would be, and from there on.
    const bool same = file != 0 && one.file == file;
    if (!same && (address >= one.end || address + length <= begin)) continue;
    const uint64_t at = same ? begin + (offset - one.offset) : address;
    const int64_t low = static_cast<int64_t>(at - begin);
    const int64_t size = static_cast<int64_t>(one.end - begin);
    const int64_t first = std::max<int64_t>(low, 0);
    const int64_t last = std::min<int64_t>(low + static_cast<int64_t>(length), size);
    if (first >= last) continue;
    const Pages pages(begin + static_cast<uint64_t>(first), static_cast<uint64_t>(last - first));
    if (protected_.lower_bound(pages.begin) == protected_.lower_bound(pages.end)) continue;
    return Range{begin + static_cast<uint64_t>(first), static_cast<uint64_t>(last - first)};
  }
  return std::nullopt;
}

bool CodePages::some_is_code(uint64_t address, uint64_t length) const {
  const uint64_t begin = strip_tag(address);
  std::lock_guard hold(lock_);
  return std::any_of(extents_.begin(), extents_.end(), [&](const auto& one) {
    return one.first < begin + length && begin < one.second.end;
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
    const bool done = is_outside(page) || protect_tagged(page, page_size(), false);
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
    if (covers(page, 1) && !is_outside(page) && !protect_tagged(page, page_size(), true))
      return false;
  std::lock_guard hold(lock_);
  protected_.erase(protected_.lower_bound(begin), protected_.lower_bound(end));
  return true;
}

}  // namespace mtetso
