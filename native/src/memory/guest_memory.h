// SPDX-License-Identifier: MIT
//
// The guest's memory: what is mapped, with which tags, and the only way for the host to access it.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "memory/code_pages.h"
#include "memory/left_right.h"
#include "memory/protocol.h"
#include "memory/regions.h"

namespace mtetso {

class GuestMemory {
 public:
  explicit GuestMemory(Protocol& protocol) : protocol_(protocol), code_pages_(protocol) {}
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  Protocol& protocol() { return protocol_; }
  CodePages& code_pages() { return code_pages_; }

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

  // What the guest may do everywhere in [address, address + length): PROT_READ, PROT_WRITE, both or
  // PROT_NONE. Async-signal-safe. The tag in `address` is ignored.
  int protection(uint64_t address, uint64_t length) const;
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

 private:
  template <typename Copy>
  bool host_access(mtedbg_GuestFrame* frame, uint64_t address, size_t length, int needed,
                   const Copy& copy);
  void set_protection(uint64_t begin, uint64_t end, int protection);

  Protocol& protocol_;
  CodePages code_pages_;
  std::mutex regions_lock_;  // of those that change them
  LeftRight<Regions> regions_;
  std::mutex heap_lock_;
  uint64_t heap_at_ = 0;
  uint64_t heap_end_ = 0;
};

}  // namespace mtetso
