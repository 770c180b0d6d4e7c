// SPDX-License-Identifier: MIT
//
// Memory tags: the only place that touches them. Two implementations, one linked: the
// architecture's instructions (tags_aarch64.cc), and a table for host tests (tags_host.cc).
// Everything except the enable and map calls is async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mtetso {

inline constexpr uint64_t kGranule = 16;  // bytes under one allocation tag (Arm ARM D10.2)
inline constexpr int kTagShift = 56;      // logical tag: bits 59:56 (Arm ARM D10.4.1)

// The address without its top byte, as the page tables see it (TBI, user half).
constexpr uint64_t strip_tag(uint64_t pointer) { return pointer & ((uint64_t{1} << 56) - 1); }
constexpr uint32_t logical_tag(uint64_t pointer) { return (pointer >> kTagShift) & 0xf; }
constexpr uint64_t with_tag(uint64_t pointer, uint32_t tag) {
  return strip_tag(pointer) | uint64_t{tag & 0xf} << kTagShift;
}
constexpr uint64_t granule_of(uint64_t address) { return strip_tag(address) & ~(kGranule - 1); }

enum class MteStatus { Ready, NoHardware, Refused };

// Turns the tagged-address ABI and synchronous checks on for the calling thread; threads made
// from it inherit them (Documentation/arch/arm64/memory-tagging-extension.rst).
MteStatus enable_mte();

// Anonymous private memory with PROT_MTE, all granules tag 0; MAP_FAILED as mmap has it.
// `address` 0: anywhere, otherwise exactly there or not at all.
void* map_tagged(uint64_t address, size_t length);

// The same at `address`, without access and without memory, until mprotect(2) gives both.
void* reserve_tagged(uint64_t address, size_t length);

// Anonymous memory with PROT_MTE that processes made by fork(2) share, all granules tag 0, exactly
// at `address`. It takes no memory until it is touched.
void* map_tagged_shared(uint64_t address, size_t length);

// The first `length` bytes of an open file as private memory with PROT_MTE, all granules tag 0;
// MAP_FAILED with errno set if such a mapping cannot have tags, which is true of all files
// except those in RAM (Documentation/arch/arm64/memory-tagging-extension.rst).
void* map_tagged_file(int descriptor, size_t length);

// Makes whole pages of such memory readable, or readable and writable. False with errno set.
bool protect_tagged(uint64_t address, size_t length, bool writable);

// `address` must be mapped with PROT_MTE; the tag in it is ignored.
uint32_t read_tag(uint64_t address);
// Sets every granule that [address, address + length) touches.
void write_tags(uint64_t address, size_t length, uint32_t tag);

// Suspends tag checks of this thread's own accesses (PSTATE.TCO) during its lifetime, then restores
// the previous setting. Only for the host access helper and the fault handler.
class UncheckedAccess {
 public:
  UncheckedAccess();
  ~UncheckedAccess();
  UncheckedAccess(const UncheckedAccess&) = delete;
  UncheckedAccess& operator=(const UncheckedAccess&) = delete;

 private:
  uint64_t before_ = 0;
};

}  // namespace mtetso
