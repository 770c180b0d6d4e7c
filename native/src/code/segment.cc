// SPDX-License-Identifier: MIT
#include "code/segment.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_id{1};

size_t round_up(size_t value, size_t to) { return (value + to - 1) & ~(to - 1); }

}  // namespace

std::shared_ptr<CodeSegment> CodeSegment::create(size_t capacity) {
  if (capacity > SIZE_MAX / 2) return nullptr;
  const size_t length = round_up(capacity, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  const int file = memfd_create("mtetso-code", MFD_CLOEXEC);
  if (file < 0) return nullptr;
  void* write = MAP_FAILED;
  void* execute = MAP_FAILED;
  if (ftruncate(file, static_cast<off_t>(length)) == 0) {
    write = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    execute = mmap(nullptr, length, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  }
  close(file);
  std::shared_ptr<CodeSegment> segment(new CodeSegment);
  if (write != MAP_FAILED) segment->write_ = static_cast<uint8_t*>(write);
  if (execute != MAP_FAILED) segment->execute_ = reinterpret_cast<uintptr_t>(execute);
  segment->capacity_ = length;
  segment->id_ = g_next_id++;
  if (segment->write_ == nullptr || segment->execute_ == 0) return nullptr;
  // A core is of no use without the code. Shared mappings are dumped by the default filter as
  // anonymous ones (the file has no link left); these calls undo an inherited MADV_DONTDUMP.
  madvise(write, length, MADV_DODUMP);
  madvise(execute, length, MADV_DODUMP);
  return segment;
}

CodeSegment::~CodeSegment() {
  if (write_ != nullptr) munmap(write_, capacity_);
  if (execute_ != 0) munmap(reinterpret_cast<void*>(execute_), capacity_);
}

size_t CodeSegment::next(size_t bytes) const {
  const size_t offset = round_up(used_, kAlignment);
  return offset <= capacity_ && bytes <= capacity_ - offset ? offset : SIZE_MAX;
}

void CodeSegment::take(size_t offset, size_t bytes) {
  used_ = offset + bytes;
  ++blocks_;
}

}  // namespace mtetso
