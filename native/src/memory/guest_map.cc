// SPDX-License-Identifier: MIT
//
// The memory that Linux programs map, unmap and map again.
//
// Addresses are used again. No earlier access can meet the new tags: munmap(2), and every mapping
// that takes another one's place, returns when no core has the old translation any more and the
// accesses by it are complete (Arm ARM D8.17: TLBI and DSB).
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "debug/arena.h"
#include "debug/fence.h"
#include "debug/threads.h"
#include "memory/barriers.h"
#include "memory/guest_memory.h"
#include "memory/signals.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
// Memory gets an owner in pieces of so many bytes: a fault for each, and as much memory at least.
constexpr uint64_t kPiece = 64 << 10;

void* pointer(uint64_t address) { return reinterpret_cast<void*>(address); }

bool executable(int asked) { return (asked & PROT_EXEC) != 0; }

// On x86 everything that may be written or executed can be read; guest code is read, never run.
int guest_protection(int asked) {
  return (asked & (PROT_WRITE | PROT_EXEC)) != 0 ? (asked & PROT_WRITE) | PROT_READ
                                                 : asked & PROT_READ;
}

// False with errno set. What is one region here may be several of the kernel's, which mremap(2)
// does not move at once (EFAULT): pages that were touched in another order than they follow each
// other (mm/vma.c: is_mergeable_anon_vma).
bool replace(uint64_t address, uint64_t length, void* by) {
  if (mremap(by, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, pointer(address)) != MAP_FAILED)
    return true;
  const uint64_t half = length / GuestMemory::kGuestPage / 2 * GuestMemory::kGuestPage;
  if (errno != EFAULT || half == 0) return false;
  return replace(address, half, by) &&
         replace(address + half, length - half, static_cast<char*>(by) + half);
}

void copy_unchecked(void* to, const void* from, size_t length) {
  const UncheckedAccess unchecked;
  full_fence();
  std::memcpy(to, from, length);
  full_fence();
}

// Fresh memory has tag 0, so the kernel may write to it by a pointer without one. What is beyond
// the end of the file stays zero.
bool read_file(int descriptor, uint64_t offset, void* to, uint64_t length) {
  auto* out = static_cast<char*>(to);
  for (uint64_t at = 0; at < length;) {
    const ssize_t got = pread(descriptor, out + at, length - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    at += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace

// The kernel's own choice is not asked for: where the guest maps what must not depend on the host.
uint64_t GuestMemory::find_room(uint64_t length, uint64_t hint) const {
  const std::scoped_lock hold(lock_);
  if (length > kTop - kLowest) return 0;
  if (hint >= kLowest && hint <= kTop - length && map_.none(hint, hint + length)) return hint;
  return map_.room_below(kLowest, top_, length);
}

uint64_t GuestMemory::find_low_room(uint64_t length, uint64_t hint) const {
  constexpr uint64_t kBegin = 0x4000'0000, kEnd = 0x8000'0000;
  const std::scoped_lock hold(lock_);
  if (length > kEnd - kBegin) return 0;
  if (hint >= kLowest && hint <= kEnd - length && map_.none(hint, hint + length)) return hint;
  return map_.room_below(kBegin, kEnd, length);
}

bool GuestMemory::is_free(uint64_t begin, uint64_t length) const {
  const std::scoped_lock hold(lock_);
  return map_.none(begin, begin + length);
}

bool GuestMemory::is_mapped(uint64_t begin, uint64_t length) const {
  const std::scoped_lock hold(lock_);
  return map_.all(begin, begin + length);
}

uint64_t GuestMemory::Held::outside(uint64_t address, uint64_t length) const {
  const uint64_t at = strip_tag(address);
  const auto* one = memory_.map_.find(at);
  if (one == nullptr || one->second.kind != Region::Kind::Outside || one->second.end - at < length)
    return 0;
  return one->second.host + (at - one->first);
}

uint64_t GuestMemory::shared_word(uint64_t address) {
  const Held held(*this);
  const uint64_t at = strip_tag(address);
  const auto* one = map_.find(at);
  if (one == nullptr || !one->second.shared) return 0;
  return one->second.kind == Region::Kind::Outside ? held.outside(at, sizeof(uint32_t)) : at;
}

// --- memory that gets an owner when it is touched
// -------------------------------------------------

bool GuestMemory::touch_locked(mtedbg_GuestFrame* frame, uint64_t address, uint64_t length) {
  const uint64_t begin = strip_tag(address), end = begin + std::max<uint64_t>(length, 1);
  bool touched = false;
  for (uint64_t at = begin; at < end;) {
    const auto* region = map_.find(at);
    if (region == nullptr) break;
    const uint64_t next = region->second.end;
    if (!region->second.fresh) {
      at = next;
      continue;
    }
    const uint64_t low = std::max(region->first, at & ~(kPiece - 1));
    Region piece = region->second;
    piece.end = std::min(next, (at & ~(kPiece - 1)) + kPiece);
    touch_piece(frame, low, piece);
    touched = true;
    at = piece.end;
  }
  return touched;
}

// Until here no access to it succeeded. It has tag 0 when it becomes accessible, and another thread
// may access it at once, rightly: as shared memory or, with shared tag 15, as that of core 0. From
// there it changes hands as all memory does, by way of the guard tag.
void GuestMemory::touch_piece(mtedbg_GuestFrame* frame, uint64_t begin, const Region& piece) {
  const uint64_t length = piece.end - begin;
  mprotect(pointer(begin), length, kReadWrite);
  const uint32_t own = frame == nullptr ? first_owner_ : static_cast<uint32_t>(frame->host_core_id);
  // Where the guest may not write, no tag can be changed any more: it has no owner.
  const bool writes = (piece.protection & PROT_WRITE) != 0;
  protocol_.hand_over(frame, begin, length,
                      writes ? protocol_.memory_tag(own) : protocol_.shared_tag());
  if (piece.protection != kReadWrite) mprotect(pointer(begin), length, piece.protection);
  Region now = piece;
  now.fresh = false;
  put(begin, now);
  // A thread that has faulted on the same piece finds it touched, and is to try again.
  ++changes_;
}

void GuestMemory::hand_over(const mtedbg_GuestFrame* frame, uint64_t begin, uint64_t end,
                            uint32_t tag) {
  const std::scoped_lock hold(lock_);
  map_.visit((begin + kGranule - 1) & ~(kGranule - 1), end & ~(kGranule - 1),
             [&](uint64_t at, const Region& part) {
               if (part.kind == Region::Kind::Tagged && !part.fresh && !part.shared &&
                   part.protection == kReadWrite && !part.executes)
                 protocol_.hand_over(frame, at, part.end - at, protocol_.memory_tag(tag));
             });
}

// With errno set if it fails.
bool GuestMemory::map_fresh(uint64_t begin, uint64_t end, int protection, bool executes) {
  if (reserve_tagged(begin, end - begin) == MAP_FAILED) return false;
  put(begin, {.end = end, .protection = protection, .fresh = true, .executes = executes});
  return true;
}

// --- mapping
// ----------------------------------------------------------------------------------------

int GuestMemory::map_anonymous(uint64_t begin, uint64_t length, int protection) {
  const std::scoped_lock hold(lock_);
  unmap_locked(begin, begin + length);
  return map_fresh(begin, begin + length, guest_protection(protection), executable(protection))
             ? 0
             : -errno;
}

int GuestMemory::map_shared(uint64_t begin, uint64_t length, int protection) {
  if (protocol_.shared_tag() == 0 && !executable(protection)) {
    const Region made{
        .end = begin + length, .protection = guest_protection(protection), .shared = true};
    const std::scoped_lock hold(lock_);
    unmap_locked(begin, begin + length);
    if (map_tagged_shared(begin, length) == MAP_FAILED ||
        mprotect(pointer(begin), length, made.protection) != 0)
      return -errno;
    put(begin, made);
    return 0;
  }
  constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  void* host = mmap(nullptr, length, kReadWrite, kShared, -1, 0);
  return host == MAP_FAILED ? -errno : map_outside(begin, length, protection, host);
}

int GuestMemory::map_private_file(uint64_t begin, uint64_t length, int protection, int descriptor,
                                  uint64_t offset, uint32_t tag) {
  Region made{.end = begin + length,
              .protection = guest_protection(protection),
              .executes = executable(protection),
              .offset = offset};
  protection = made.protection;
  const std::scoped_lock hold(lock_);
  made.file = note_file(descriptor);
  unmap_locked(begin, begin + length);
  if ((protection & PROT_WRITE) == 0) {
    if (mmap(pointer(begin), length, protection, MAP_PRIVATE | MAP_FIXED_NOREPLACE, descriptor,
             static_cast<off_t>(offset)) == MAP_FAILED)
      return -errno;
    made.kind = Region::Kind::Constant;
    put(begin, made);
    return 0;
  }
  if (map_tagged(begin, length) == MAP_FAILED) return -errno;
  if (!read_file(descriptor, offset, pointer(begin), length)) {
    const int why = errno;
    munmap(pointer(begin), length);
    return -why;
  }
  write_tags(begin, length, protocol_.memory_tag(tag));
  put(begin, made);
  return 0;
}

// Of mappings of one file that follow each other, the last one is asked for again. With lock_ held.
uint32_t GuestMemory::note_file(int descriptor) {
  struct stat about = {};
  if (fstat(descriptor, &about) != 0) return 0;
  char path[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  if (readlink(link.c_str(), path, sizeof path - 1) <= 0) return 0;
  for (size_t i = files_.size(); i-- > 0;)
    if (files_[i].inode == about.st_ino && files_[i].device == about.st_dev &&
        files_[i].path == path)
      return static_cast<uint32_t>(i + 1);
  files_.push_back({path, about.st_dev, about.st_ino});
  return static_cast<uint32_t>(files_.size());
}

int GuestMemory::map_shared_file(uint64_t begin, uint64_t length, int protection, int descriptor,
                                 uint64_t offset) {
  const bool executes = executable(protection);
  protection = guest_protection(protection);
  // What the descriptor allows; more can be asked for later.
  void* host =
      mmap(nullptr, length, kReadWrite, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  if (host == MAP_FAILED && errno == EACCES && (protection & PROT_WRITE) == 0)
    host = mmap(nullptr, length, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  if (host == MAP_FAILED) return -errno;
  const std::scoped_lock hold(lock_);
  return put_outside(begin, {.end = begin + length,
                             .protection = protection,
                             .kind = Region::Kind::Outside,
                             .shared = true,
                             .host = address_of(host),
                             .executes = executes,
                             .file = note_file(descriptor),
                             .offset = offset});
}

int GuestMemory::map_outside(uint64_t begin, uint64_t length, int protection, void* host) {
  const std::scoped_lock hold(lock_);
  return put_outside(begin, {.end = begin + length,
                             .protection = guest_protection(protection),
                             .kind = Region::Kind::Outside,
                             .shared = true,
                             .host = address_of(host),
                             .executes = executable(protection)});
}

int GuestMemory::put_outside(uint64_t begin, const Region& region) {
  const uint64_t length = region.end - begin;
  unmap_locked(begin, region.end);
  if (mmap(pointer(begin), length, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
           0) == MAP_FAILED) {
    const int why = errno;
    munmap(pointer(region.host), length);
    return -why;
  }
  put(begin, region);
  return 0;
}

// What was mapped with tags is mapped as a shared file is from now on: its pages move to where the
// host has them. With lock_ held, after withdraw(): who faults there waits.
int GuestMemory::make_outside(uint64_t begin, Region& region) {
  const uint64_t length = region.end - begin;
  void* host = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED) return -ENOMEM;
  if (!replace(address_of(host), length, pointer(begin)) ||
      mprotect(host, length, kReadWrite) != 0 ||
      mmap(pointer(begin), length, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
    return -ENOMEM;
  region.kind = Region::Kind::Outside;
  region.host = address_of(host);
  put(begin, region);
  return 0;
}

int GuestMemory::unmap(uint64_t begin, uint64_t length) {
  const std::scoped_lock hold(lock_);
  return unmap_locked(begin, begin + length);
}

// The regions first: a fault from now on is the guest's own.
int GuestMemory::unmap_locked(uint64_t begin, uint64_t end) {
  ++changes_;
  const auto parts = map_.parts(begin, end);
  erase(begin, end);
  for (const auto& [at, part] : parts) {
    munmap(pointer(at), part.end - at);
    if (part.kind == Region::Kind::Outside) munmap(pointer(part.host), part.end - at);
  }
  return 0;
}

int GuestMemory::forget(uint64_t begin, uint64_t length) {
  const std::scoped_lock hold(lock_);
  if (!map_.all(begin, begin + length)) return -ENOMEM;
  int result = 0;
  ++changes_;
  for (const auto& [at, part] : map_.parts(begin, begin + length)) {
    if (part.kind != Region::Kind::Tagged || part.shared || part.fresh) continue;
    withdraw(at, part);
    munmap(pointer(at), part.end - at);
    if (!map_fresh(at, part.end, part.protection, part.executes)) result = -errno;
  }
  return result;
}

int GuestMemory::sync(uint64_t begin, uint64_t length, int flags) {
  const std::scoped_lock hold(lock_);
  if (!map_.all(begin, begin + length)) return -ENOMEM;
  for (const auto& [at, part] : map_.parts(begin, begin + length))
    if (part.kind == Region::Kind::Outside && msync(pointer(part.host), part.end - at, flags) != 0)
      return -errno;
  return 0;
}

// --- other permissions
// ------------------------------------------------------------------------------

int GuestMemory::protect(uint64_t begin, uint64_t length, int protection, uint32_t tag) {
  const std::scoped_lock hold(lock_);
  if (!map_.all(begin, begin + length)) return -ENOMEM;
  int result = 0;
  ++changes_;
  for (auto& [at, part] : map_.parts(begin, begin + length)) {
    if (result != 0) break;
    const Region before = part;
    part.executes = executable(protection);
    if (part.executes && part.shared && part.kind == Region::Kind::Tagged) {
      withdraw(at, part);
      if (result = make_outside(at, part); result != 0) break;
    }
    if (part.protection == guest_protection(protection)) {
      put(at, part);
      continue;
    }
    withdraw(at, part);
    result = protect_piece(tag, at, part, guest_protection(protection));
    if (result != 0) put(at, before);
  }
  return result;
}

int GuestMemory::protect_piece(uint32_t tag, uint64_t begin, const Region& piece, int protection) {
  const bool writes = (protection & PROT_WRITE) != 0;
  if (piece.kind == Region::Kind::Constant && writes)
    return make_tagged(tag, begin, piece, protection);
  if (piece.kind == Region::Kind::Tagged && !piece.fresh && !piece.shared &&
      protection == PROT_READ)
    return make_constant(begin, piece, protection);
  Region now = piece;
  now.protection = protection;
  // Of shared files, the host's own mapping is what counts.
  const bool outside = piece.kind == Region::Kind::Outside;
  if (outside && writes && mprotect(pointer(piece.host), piece.end - begin, kReadWrite) != 0)
    return -errno;
  if (!outside && !piece.fresh && mprotect(pointer(begin), piece.end - begin, protection) != 0)
    return -errno;
  put(begin, now);
  return 0;
}

// What may not be written any more has no owner (docs/soundness.md). First no store can succeed,
// then it is copied, and then the copy takes its place: at every moment a load finds its bytes.
int GuestMemory::make_constant(uint64_t begin, const Region& piece, int protection) {
  const size_t size = piece.end - begin;
  void* copy = mmap(nullptr, size, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED || mprotect(pointer(begin), size, PROT_READ) != 0) return -ENOMEM;
  copy_unchecked(copy, pointer(begin), size);
  if (mprotect(copy, size, protection) != 0 || !replace(begin, size, copy)) return -ENOMEM;
  Region now = piece;
  now.protection = protection;
  now.kind = Region::Kind::Constant;
  put(begin, now);
  return 0;
}

// The copy has tag 0 until it is handed over, as memory that is touched for the first time.
int GuestMemory::make_tagged(uint32_t tag, uint64_t begin, const Region& piece, int protection) {
  const size_t size = piece.end - begin;
  if (piece.protection == PROT_NONE && mprotect(pointer(begin), size, PROT_READ) != 0)
    return -errno;
  void* copy = map_tagged(0, size);
  if (copy == MAP_FAILED) return -ENOMEM;
  copy_unchecked(copy, pointer(begin), size);
  if (!replace(begin, size, copy)) return -ENOMEM;
  protocol_.hand_over(nullptr, begin, size, protocol_.memory_tag(tag));
  Region now = piece;
  now.protection = protection;
  now.kind = Region::Kind::Tagged;
  put(begin, now);
  return 0;
}

// Shared memory needs no owner's tag back, so its pages may become read-only at any time
// (memory/code_pages.h). It is code memory before it is shared: nobody gives it an owner again.
bool GuestMemory::share_code(uint64_t begin, uint64_t length) {
  const SignalsHeld none;
  const std::scoped_lock hold(lock_);
  const auto parts = map_.parts(begin, begin + length);
  const auto outside = [](const Region& part) { return part.kind == Region::Kind::Outside; };
  for (const auto& [at, part] : parts)
    if (!outside(part) && (part.kind != Region::Kind::Tagged || part.shared)) return false;
  const uint32_t shared = protocol_.shared_tag();
  ++changes_;
  for (const auto& [at, part] : parts) {
    if (outside(part)) {
      code_pages_.add_outside(at, part.end, part.host, part.file, part.offset);
    } else {
      withdraw(at, part);
      code_pages_.add(at, part.end);
    }
  }
  for (const auto& [at, part] : parts) {
    if (outside(part)) continue;
    if (part.fresh) touch_piece(nullptr, at, part);
    protocol_.hand_over(nullptr, at, part.end - at, shared);
    Region now = part;
    now.fresh = false;
    put(at, now);
  }
  return true;
}

// Not under the lock of the map: who writes to code takes it last.
void GuestMemory::end_code(uint64_t begin, uint64_t length) {
  code_pages_.write(nullptr, begin, length, [] {});
  code_pages_.remove(begin, begin + length);
}

// --- moving
// -----------------------------------------------------------------------------------------

int GuestMemory::move(uint64_t from, uint64_t length, uint64_t to) {
  const std::scoped_lock hold(lock_);
  if (!map_.all(from, from + length)) return -EFAULT;
  int result = 0;
  ++changes_;
  for (const auto& [at, part] : map_.parts(from, from + length))
    if (result == 0) result = move_piece(at, part, to + (at - from));
  return result;
}

// Tags move with the pages; where they do not (QEMU's user mode), all is tag 0, which is as right:
// a mapping that is moved is unmapped, as far as accesses in flight go.
int GuestMemory::move_piece(uint64_t from, const Region& piece, uint64_t to) {
  const size_t size = piece.end - from;
  erase(from, piece.end);
  if (!replace(to, size, pointer(from))) return -errno;
  Region now = piece;
  now.end = to + size;
  put(to, now);
  return 0;
}

int GuestMemory::grow(uint64_t begin, uint64_t had, uint64_t wanted, uint32_t tag) {
  const uint64_t from = begin + had, end = begin + wanted;
  Region last;
  File file;
  {
    const std::scoped_lock hold(lock_);
    const auto* one = map_.find(from - 1);
    if (one == nullptr || one->second.end != from || !map_.none(from, end)) return -EFAULT;
    last = one->second;
    if (last.shared) return grow_outside(one->first, last, end);
    if (last.kind == Region::Kind::Constant) return grow_constant(one->first, last, end);
    if (last.file != 0) file = file_of(last);
    last = last.behind(from - one->first);
  }
  const int protection = last.protection | (last.executes ? PROT_EXEC : 0);
  if (last.file == 0) return map_anonymous(from, end - from, protection);
  // A copy of a file: if that is still there.
  const int descriptor = open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about = {};
  const bool same = descriptor >= 0 && fstat(descriptor, &about) == 0 &&
                    about.st_ino == file.inode && about.st_dev == file.device;
  const int result =
      same ? map_private_file(from, end - from, protection, descriptor, last.offset, tag) : -ENOMEM;
  if (descriptor >= 0) close(descriptor);
  return result;
}

// The host's mapping may move: nobody uses it without lock_. What is behind the end of what was
// mapped, or of the file, is known to the host alone.
int GuestMemory::grow_outside(uint64_t begin, Region region, uint64_t end) {
  if (region.kind == Region::Kind::Tagged) {
    ++changes_;
    withdraw(begin, region);
    if (const int result = make_outside(begin, region); result != 0) return result;
  }
  const uint64_t more = end - region.end;
  if (mmap(pointer(region.end), more, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
    return -errno;
  void* host = mremap(pointer(region.host), region.end - begin, end - begin, MREMAP_MAYMOVE);
  if (host == MAP_FAILED) {
    const int why = errno;
    munmap(pointer(region.end), more);
    return -why;
  }
  Region now = region;
  now.end = end;
  now.host = address_of(host);
  put(begin, now);
  return 0;
}

// By its last page: the rest may be another mapping of the kernel's.
int GuestMemory::grow_constant(uint64_t begin, const Region& region, uint64_t end) {
  const uint64_t last = region.end - kGuestPage;
  if (mremap(pointer(last), kGuestPage, end - last, 0) == MAP_FAILED) return -errno;
  Region now = region;
  now.end = end;
  put(begin, now);
  return 0;
}

}  // namespace mtetso
