// SPDX-License-Identifier: MIT
//
// A span of executable memory, filled from the front by a cursor and shared by many blocks. The
// same pages are mapped twice: once to be written, once to be executed; never both at one address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace mtetso {

class CodeSegment : public std::enable_shared_from_this<CodeSegment> {
 public:
  static constexpr size_t kDefaultCapacity = size_t{1} << 20;
  static constexpr size_t kAlignment = 64;  // a block starts on a cache line of its own

  // Null with errno set if the kernel gives no memory. `capacity` is rounded up to pages.
  static std::shared_ptr<CodeSegment> create(size_t capacity);

  // In a child process, while its parent waits: every segment gets memory of its own, with the same
  // bytes at the same addresses. False with errno set if there is no memory.
  static bool unshare_all();
  // Unmaps it. If the debug root shows it, that is told first, with code_lock() held: a debugger
  // never follows a record into unmapped memory.
  ~CodeSegment();
  CodeSegment(const CodeSegment&) = delete;
  CodeSegment& operator=(const CodeSegment&) = delete;

  // Where `bytes` more would start: an offset, or SIZE_MAX if they do not fit.
  size_t next(size_t bytes) const;
  // Takes [offset, offset + bytes); offset is from next(). Cannot fail: it is the step after which
  // a commit cannot be undone.
  void take(size_t offset, size_t bytes);

  uint8_t* write_base() const { return write_; }
  uintptr_t base() const { return execute_; }
  size_t capacity() const { return capacity_; }
  size_t used() const { return used_; }
  // How many were ever placed in it.
  uint32_t blocks() const { return blocks_; }
  // How many blocks have their code in it: it lives as long as one does.
  uint32_t references() const { return static_cast<uint32_t>(weak_from_this().use_count()); }
  uint64_t id() const { return id_; }

  // Its slot in the debug root, where it is shown; changed under code_lock().
  std::optional<uint64_t> shown;

 private:
  CodeSegment() = default;
  bool unshare();
  uint8_t* write_ = nullptr;
  uintptr_t execute_ = 0;
  size_t capacity_ = 0;
  size_t used_ = 0;
  uint32_t blocks_ = 0;
  uint64_t id_ = 0;
};

}  // namespace mtetso
