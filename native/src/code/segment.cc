// SPDX-License-Identifier: MIT
#include "code/segment.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <vector>

#include "code/description.h"
#include "debug/points.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

std::atomic<uint64_t> g_next_id{1};

size_t round_up(size_t value, size_t to) { return (value + to - 1) & ~(to - 1); }

// Where the next segment is asked for: above the one before it. Maps that are sorted by address
// then grow at their ends (code/sorted_blocks.h); the kernel by itself goes downwards. Only a hint:
// where something else is in the way, the kernel chooses.
class Upwards {
 public:
  void* next(size_t length) {
    std::lock_guard hold(lock_);
    if (at_ == 0) at_ = find_room();
    void* hint = reinterpret_cast<void*>(at_);
    if (at_ != 0) at_ += length;
    return hint;
  }

 private:
  static constexpr size_t kRoom = size_t{1} << 36;

  static uintptr_t find_room() {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* room = mmap(nullptr, kRoom, PROT_NONE, kFlags, -1, 0);
    if (room == MAP_FAILED) return 0;
    munmap(room, kRoom);
    return reinterpret_cast<uintptr_t>(room);
  }

  std::mutex lock_;
  uintptr_t at_ = 0;
};

Upwards g_written, g_executed;

// All that are mapped, for unshare_all.
struct Registry {
  std::mutex lock;
  std::set<CodeSegment*> segments;
};
Registry& registry() {
  static Registry& the = *new Registry;
  return the;
}

// Files that are mapped shared: a child process would change its parent's code through them. None
// where the guest's limit of a file's length (RLIMIT_FSIZE) is lower; a file that exceeds it would
// be SIGXFSZ.
int make_file(size_t length) {
  rlimit most = {};
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && length > most.rlim_cur) return -1;
  const int file = memfd_create("mtetso-code", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(length)) == 0) return file;
  close(file);
  return -1;
}

// Without a file: memory that is written where it is executed, at `at` or anywhere.
void* map_without_file(void* at, size_t length) {
  return mmap(at, length, PROT_READ | PROT_WRITE | PROT_EXEC,
              MAP_PRIVATE | MAP_ANONYMOUS | (at == nullptr ? 0 : MAP_FIXED), -1, 0);
}

}  // namespace

std::shared_ptr<CodeSegment> CodeSegment::create(size_t capacity) {
  if (capacity > SIZE_MAX / 2) return nullptr;
  const size_t length = round_up(capacity, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  const int file = make_file(length);
  void *write, *execute;
  if (file < 0) {
    write = execute = map_without_file(nullptr, length);
  } else {
    write = mmap(g_written.next(length), length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    execute = mmap(g_executed.next(length), length, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    close(file);
  }
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
  std::lock_guard hold(registry().lock);
  registry().segments.insert(segment.get());
  return segment;
}

bool CodeSegment::unshare() {
  auto* execute = reinterpret_cast<void*>(execute_);
  if (write_ == execute) return true;  // private
  const int file = make_file(capacity_);
  if (file < 0) {
    std::vector<uint8_t> code(write_, write_ + used_);
    if (map_without_file(execute, capacity_) == MAP_FAILED) return false;
    munmap(write_, capacity_);
    write_ = static_cast<uint8_t*>(execute);
    std::ranges::copy(code, write_);
    if (shown) code_description().publish_segment(*this);
  } else {
    for (size_t done = 0; done < used_;) {
      const ssize_t some = pwrite(file, write_ + done, used_ - done, static_cast<off_t>(done));
      if (some <= 0) {
        close(file);
        return false;
      }
      done += static_cast<size_t>(some);
    }
    constexpr int kHere = MAP_SHARED | MAP_FIXED;
    const bool mapped =
        mmap(write_, capacity_, PROT_READ | PROT_WRITE, kHere, file, 0) != MAP_FAILED &&
        mmap(execute, capacity_, PROT_READ | PROT_EXEC, kHere, file, 0) != MAP_FAILED;
    close(file);
    if (!mapped) return false;
  }
  madvise(write_, capacity_, MADV_DODUMP);
  madvise(execute, capacity_, MADV_DODUMP);
  clean_code(write_, execute, used_);
  return true;
}

bool CodeSegment::unshare_all() {
  std::lock_guard hold(registry().lock);
  return std::all_of(registry().segments.begin(), registry().segments.end(),
                     [](CodeSegment* one) { return one->unshare(); });
}

CodeSegment::~CodeSegment() {
  if (shown) {
    code_description().remove_segment(*this);
    point(Point::UnmapMarked);
  }
  {
    std::lock_guard hold(registry().lock);
    registry().segments.erase(this);
  }
  if (write_ != nullptr) munmap(write_, capacity_);
  if (execute_ != 0 && reinterpret_cast<uint8_t*>(execute_) != write_)
    munmap(reinterpret_cast<void*>(execute_), capacity_);
  if (shown) point(Point::UnmapDone);
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
