// SPDX-License-Identifier: MIT
//
// The guest's memory: what is mapped, with which tags, and the only way for the host to access it.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "memory/code_pages.h"
#include "memory/left_right.h"
#include "memory/protocol.h"
#include "memory/raw_lock.h"
#include "memory/region_map.h"
#include "memory/regions.h"

namespace mtetso {

class GuestMemory {
 public:
  explicit GuestMemory(Protocol& protocol)
      : protocol_(protocol), code_pages_(protocol), first_owner_(protocol.shared_tag()) {}
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  Protocol& protocol() { return protocol_; }
  CodePages& code_pages() { return code_pages_; }
  // From now on Linux calls change the map while threads run; called before there is one.
  // `first_owner`: the tag of memory that is touched before; shared if this is not called.
  void expect_calls(uint32_t first_owner) {
    first_owner_ = first_owner;
    changes_while_running_ = true;
  }

  // Maps [address, address + length), rounded out to pages, readable and writable, zero, tagged
  // `tag`, or shared if no memory can have that tag. False with errno set where something is there
  // already or the kernel refuses.
  bool map_image(uint64_t address, uint64_t length, uint32_t tag);

  // Unmaps an image; no thread may use it any more. False with errno set.
  bool unmap_image(uint64_t address, uint64_t length);

  // Makes the pages of an image constant: nobody writes to them any more, and they have no tags.
  // What never changes needs no order, so every access to it may be plain, whoever makes it. False
  // with errno set.
  bool seal(uint64_t address, uint64_t length);

  // The guest may also execute these pages, which it may write: they become shared, and stay so.
  void allow_code(uint64_t address, uint64_t length);

  // Maps a stack of at least `length` bytes with a guard page below, tagged `tag`, or shared if no
  // memory can have that tag. Returns its lowest usable address, 0 with errno set if there is no
  // memory; `usable` gets its length in bytes.
  uint64_t map_stack(uint64_t length, uint32_t tag, uint64_t* usable = nullptr);

  // Zeroes memory that a thread which has ended owned, whole granules, and gives it to another one:
  // tagged `tag`, or shared if no memory can have that tag.
  void renew(uint64_t address, uint64_t length, uint32_t tag);

  // `length` bytes of zeroed memory in granules of its own, tagged in the same way; 0 if there is
  // none. Memory is never handed out twice, so no earlier access can meet the new tags.
  uint64_t allocate(uint64_t length, uint32_t tag);

  struct MappedFile {
    uint64_t address = 0;  // 0 if there is no memory, or the file cannot be read
    int refused = 0;       // why it is a copy: errno of the mapping with tags; 0 if it is not
  };

  // The first `length` bytes of a file, private, tagged as allocate() does. The kernel has no tags
  // for mappings of most files: those are copied to memory with tags.
  MappedFile map_file(int descriptor, uint64_t length, uint32_t tag);

  // What Linux programs map (guest_map.cc). Addresses and lengths are multiples of kGuestPage;
  // results are 0 or an error number, negative.
  static constexpr uint64_t kGuestPage = 4096;
  // Guest addresses: above vm.mmap_min_addr, below half of 47 bits, where neither an AArch64 kernel
  // with 48 bits nor QEMU's user mode puts what the runtime maps.
  static constexpr uint64_t kLowest = 0x10000;
  static constexpr uint64_t kTop = uint64_t{1} << 46;

  // What may be mapped anywhere is mapped below `top` from now on. Above is a stack, and room for
  // what it overflows by (mm/util.c: mmap_base).
  void map_below(uint64_t top) { top_ = top; }
  // Where `length` bytes are free, at `hint` if possible; 0 if there are none.
  uint64_t find_room(uint64_t length, uint64_t hint) const;
  // The same for MAP_32BIT (arch/x86/kernel/sys_x86_64.c, find_start_end): in the second GiB, or at
  // `hint` below its end.
  uint64_t find_low_room(uint64_t length, uint64_t hint) const;
  // Private memory, zero. It has an owner, and takes memory, from the first access on: each piece
  // of kPiece bytes belongs to the thread that touches it first.
  int map_anonymous(uint64_t begin, uint64_t length, int protection);
  // Zero, and shared with processes that are forked. With shared tag 0 it has tags, all of them
  // that one, as no process ever changes any: accesses reach it, in order. With another one its
  // pages would have to be tagged before the first access, and it is as a file that is mapped
  // shared; so is what may be executed, which stores of other mappings may change.
  int map_shared(uint64_t begin, uint64_t length, int protection);
  // A private mapping of a file: without tags where the guest may not write, otherwise a copy that
  // belongs to the thread with `tag`.
  int map_private_file(uint64_t begin, uint64_t length, int protection, int descriptor,
                       uint64_t offset, uint32_t tag);
  // A shared one. Files have no tags, so each access is done by the fault handler, in order.
  int map_shared_file(uint64_t begin, uint64_t length, int protection, int descriptor,
                      uint64_t offset);
  // What the host has mapped at `host`, shared with other processes; likewise. It is unmapped there
  // when the guest unmaps it, or when this fails.
  int map_outside(uint64_t begin, uint64_t length, int protection, void* host);
  int unmap(uint64_t begin, uint64_t length);
  int protect(uint64_t begin, uint64_t length, int protection, uint32_t tag);
  // Private memory is zero again (MADV_DONTNEED); other memory stays.
  int forget(uint64_t begin, uint64_t length);
  // What is writable in [begin, end) and has been touched belongs to the threads with `tag` from
  // now on. `frame` names the guest thread on whose behalf.
  void hand_over(const mtedbg_GuestFrame* frame, uint64_t begin, uint64_t end, uint32_t tag);
  // The guest may execute these pages, and may write them, or they are of a file that is mapped
  // shared: they take memory now, and are shared from here on. False if there is none.
  bool share_code(uint64_t begin, uint64_t length);
  // It may not do both any more. What was made from them is retired already; they can be written.
  void end_code(uint64_t begin, uint64_t length);
  // msync(2) of the files that are mapped there.
  int sync(uint64_t begin, uint64_t length, int flags);
  // Moves what is mapped to [to, to + length), where nothing is.
  int move(uint64_t from, uint64_t length, uint64_t to);
  // What is mapped to the end of [begin, begin + had) goes on to begin + wanted, where nothing is:
  // with the file's next bytes, or zeros. What gets an owner belongs to the thread with `tag`.
  int grow(uint64_t begin, uint64_t had, uint64_t wanted, uint32_t tag);
  // Whether nothing, or everything, is the guest's in that range.
  bool is_free(uint64_t begin, uint64_t length) const;
  bool is_mapped(uint64_t begin, uint64_t length) const;
  // A file that is or was mapped; its number is Region::file.
  struct File {
    std::string path;
    uint64_t device = 0;
    uint64_t inode = 0;
  };
  // Of a region that has one, in visit().
  const File& file_of(const Region& region) const { return files_[region.file - 1]; }
  // Calls `visit` with the beginning of each region and the region, in order.
  template <typename Visit>
  void visit(const Visit& visit) const {
    const std::scoped_lock hold(lock_);
    for (const auto& [begin, region] : map_.map()) visit(begin, region);
  }

  // During its lifetime nothing goes, and nothing loses a permission, that protection() has called
  // ready: a change of the map withdraws that first, and waits for those that rely on it. Takes no
  // lock, so a thread that is stopped here keeps none but such a change. Async-signal-safe; must
  // not be held by a thread that changes the map, or waits for one that does. Without Linux calls
  // nothing changes under a thread that faults, and nobody waits.
  class Still {
   public:
    explicit Still(const GuestMemory& memory) : memory_(memory) {
      if (memory.changes_while_running_) reading_.emplace(memory.regions_);
    }
    // Whether calls change the map while threads run: a fault may be older than the map is.
    bool may_have_changed() const { return reading_.has_value(); }
    // PROT_ bits and those of Regions; kReady: neither touch() nor outside() has anything to do.
    int protection(uint64_t address, uint64_t length) const {
      return reading_ ? access_in(**reading_, address, length) : memory_.access_to(address, length);
    }

   private:
    const GuestMemory& memory_;
    std::optional<LeftRight<Regions>::Reading> reading_;
  };

  // Holds the lock of the map. Async-signal-safe, for threads that hold neither a lock nor the map
  // still; without Linux calls no lock is taken.
  class Held {
   public:
    explicit Held(GuestMemory& memory) : memory_(memory), hold_(memory.lock_, std::defer_lock) {
      if (memory.changes_while_running_) hold_.lock();
    }
    // PROT_ bits and those of Regions.
    int protection(uint64_t address, uint64_t length) const {
      return memory_.access_to(address, length);
    }
    // Gives an owner to what has not been touched yet; true if something had not been. Called where
    // the guest may access it, by a thread in generated code.
    bool touch(mtedbg_GuestFrame* frame, uint64_t address, uint64_t length) {
      return memory_.touch_locked(frame, address, length);
    }
    // How often it has changed: by Linux calls, and by what was touched.
    uint64_t changes() const { return memory_.changes_; }
    // Where the host accesses memory of Kind::Outside; 0 if it is another kind, or not one region.
    uint64_t outside(uint64_t address, uint64_t length) const;

   private:
    GuestMemory& memory_;
    std::unique_lock<RawLock> hold_;
  };

  // Around fork(2), with signals held: no other thread is in a change of the map, the protocol or
  // the pages of code, so the child's copy is whole. In the child `forked` drops what its parent's
  // other threads were reading.
  void hold_for_fork(const mtedbg_GuestFrame* frame) {
    lock_.lock();
    protocol_.acquire(frame);
    code_pages_.hold_for_fork();
  }
  void release_after_fork() {
    code_pages_.release_after_fork();
    protocol_.release();
    lock_.unlock();
  }
  void forked() { regions_.forget_readers(); }

  // What the guest may do everywhere in [address, address + length): PROT_READ, PROT_WRITE, both or
  // PROT_NONE. Async-signal-safe. The tag in `address` is ignored.
  int protection(uint64_t address, uint64_t length) const {
    return access_to(address, length) & (PROT_READ | PROT_WRITE);
  }
  // Whether it may do all of that.
  bool allows(uint64_t address, uint64_t length, int wanted) const {
    return (protection(address, length) & wanted) == wanted;
  }

  // The host's accesses (thunks, system calls): with full ordering, and while nobody can access
  // what is local to a core, which is as local afterwards (Protocol::while_guarded). False where
  // the guest has no such memory. `frame` names the guest thread on whose behalf; it may be null
  // before there is one.
  bool host_read(mtedbg_GuestFrame* frame, uint64_t address, void* out, size_t length);
  bool host_write(mtedbg_GuestFrame* frame, uint64_t address, const void* in, size_t length);
  // A compare-and-swap of an aligned word: `seen` is what is expected, and gets what was there.
  bool host_compare_swap(mtedbg_GuestFrame* frame, uint64_t address, uint32_t& seen, uint32_t made);
  // Where the host accesses memory of Kind::Outside; 0 if it is another kind, or not one region.
  uint64_t outside(uint64_t address, uint64_t length) {
    return Held(*this).outside(address, length);
  }
  bool is_outside(uint64_t address) { return outside(address, 1) != 0; }
  // Where the host has a word that other processes may have as well; 0 if none can.
  uint64_t shared_word(uint64_t address);
  // Calls `store`, which writes there, with where the host has it: when what was made from those
  // bytes is retired, and before anybody makes code from them again. False if it is not there any
  // more. A fault handler may call it if its thread holds no lock.
  bool write_outside(mtedbg_GuestFrame* frame, uint64_t address, uint64_t length,
                     const std::function<void(uint64_t host)>& store);

 private:
  // `way`: of a write, where code was made from what would have been written.
  template <typename Copy>
  bool host_access(mtedbg_GuestFrame* frame, uint64_t address, size_t length, int needed,
                   const Copy& copy, CodePages::Way* way = nullptr);
  template <typename Store>
  CodePages::Way store_outside(mtedbg_GuestFrame* frame, uint64_t begin, const Region& part,
                               const Store& store);
  void add_region(uint64_t begin, uint64_t end, int protection,
                  Region::Kind kind = Region::Kind::Tagged);
  // protection(), and the bits of Regions.
  int access_to(uint64_t address, uint64_t length) const;
  static int access_in(const Regions& regions, uint64_t address, uint64_t length);
  // All of these with lock_ held.
  void put(uint64_t begin, const Region& region);
  void erase(uint64_t begin, uint64_t end);
  void show(uint64_t begin, uint64_t end, int access);
  void withdraw(uint64_t begin, const Region& region);
  bool touch_locked(mtedbg_GuestFrame* frame, uint64_t address, uint64_t length);
  void touch_piece(mtedbg_GuestFrame* frame, uint64_t begin, const Region& piece);
  int put_outside(uint64_t begin, const Region& region);
  int make_outside(uint64_t begin, Region& region);
  bool map_fresh(uint64_t begin, uint64_t end, int protection, bool executes);
  uint32_t note_file(int descriptor);
  int unmap_locked(uint64_t begin, uint64_t end);
  int make_constant(uint64_t begin, const Region& piece, int protection);
  int make_tagged(uint32_t tag, uint64_t begin, const Region& piece, int protection);
  int protect_piece(uint32_t tag, uint64_t begin, const Region& piece, int protection);
  int move_piece(uint64_t from, const Region& piece, uint64_t to);
  int grow_outside(uint64_t begin, Region region, uint64_t end);
  int grow_constant(uint64_t begin, const Region& region, uint64_t end);

  Protocol& protocol_;
  CodePages code_pages_;
  uint32_t first_owner_;
  mutable RawLock lock_;  // of those that change the two; taken before the protocol's
  RegionMap map_;
  LeftRight<Regions> regions_;  // the same, for those that must not wait
  std::vector<File> files_;
  uint64_t changes_ = 0;
  uint64_t top_ = kTop - kGuestPage;    // set before there is a guest thread
  bool changes_while_running_ = false;  // set before there is a guest thread
  std::mutex heap_lock_;
  uint64_t heap_at_ = 0;
  uint64_t heap_end_ = 0;
};

}  // namespace mtetso
