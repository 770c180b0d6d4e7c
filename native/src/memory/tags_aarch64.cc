// SPDX-License-Identifier: MIT
#ifdef __aarch64__

#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>

#include "debug/trace.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

// From the kernel's uapi (asm/hwcap.h, asm/mman.h), which old C libraries' headers lack.
constexpr unsigned long kHwcap2Mte = 1ul << 18;
constexpr int kProtMte = 0x20;
constexpr unsigned long kEveryTag = 0xffff;

// How many bytes DC GVA tags at once; 0 if it may not be used (Arm ARM D24.2.41, DCZID_EL0).
uint64_t tag_block() {
  uint64_t about;
  asm("mrs %0, dczid_el0" : "=r"(about));
  return (about & 0x10) != 0 ? 0 : uint64_t{4} << (about & 0xf);
}

// Tags [address, end), whole granules, one by one.
void tag_granules(uint64_t address, uint64_t end, uint32_t tag) {
  for (uint64_t at = address; at < end; at += kGranule)
    asm volatile("stg %0, [%0]" ::"r"(with_tag(at, tag)) : "memory");
}

}  // namespace

MteStatus enable_mte() {
  if ((getauxval(AT_HWCAP2) & kHwcap2Mte) == 0) return MteStatus::NoHardware;
  const unsigned long control =
      PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC | (kEveryTag << PR_MTE_TAG_SHIFT);
  return prctl(PR_SET_TAGGED_ADDR_CTRL, control, 0, 0, 0) == 0 ? MteStatus::Ready
                                                               : MteStatus::Refused;
}

void* map_tagged(uint64_t address, size_t length) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (address != 0 ? MAP_FIXED_NOREPLACE : 0);
  return mmap(reinterpret_cast<void*>(address), length, PROT_READ | PROT_WRITE | kProtMte, flags,
              -1, 0);
}

void* reserve_tagged(uint64_t address, size_t length) {
  return mmap(reinterpret_cast<void*>(address), length, PROT_NONE | kProtMte,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

void* map_tagged_shared(uint64_t address, size_t length) {
  return mmap(reinterpret_cast<void*>(address), length, PROT_READ | PROT_WRITE | kProtMte,
              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

void* map_tagged_file(int descriptor, size_t length) {
  void* memory =
      mmap(nullptr, length, PROT_READ | PROT_WRITE | kProtMte, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED) return MAP_FAILED;
  // QEMU's user mode accepts the flag but keeps no tags: test whether it keeps one.
  const auto at = reinterpret_cast<uintptr_t>(memory);
  write_tags(at, kGranule, 1);
  const bool kept = read_tag(at) == 1;
  if (kept) write_tags(at, kGranule, 0);
  if (kept) return memory;
  munmap(memory, length);
  errno = EINVAL;
  return MAP_FAILED;
}

bool protect_tagged(uint64_t address, size_t length, bool writable) {
  return mprotect(reinterpret_cast<void*>(address), length,
                  PROT_READ | kProtMte | (writable ? PROT_WRITE : 0)) == 0;
}

uint32_t read_tag(uint64_t address) {
  uint64_t at = granule_of(address);
  asm volatile("ldg %0, [%0]" : "+r"(at)::"memory");
  return logical_tag(at);
}

void write_tags(uint64_t address, size_t length, uint32_t tag) {
  if (length == 0) return;
  const uint64_t begin = granule_of(address);
  const uint64_t end = granule_of(strip_tag(address) + length + kGranule - 1);
  const uint64_t block = end - begin < 2 * kGranule ? 0 : tag_block();
  uint64_t at = begin;
  if (block != 0 && end - begin >= 2 * block) {
    at = (begin + block - 1) & ~(block - 1);
    tag_granules(begin, at, tag);
    for (; end - at >= block; at += block)
      asm volatile("dc gva, %0" ::"r"(with_tag(at, tag)) : "memory");
  }
  tag_granules(at, end, tag);
  // A tag write is a memory write (Arm ARM D10.5): this orders it before what follows here; other
  // cores' accesses need barrier_everywhere().
  asm volatile("dsb ish" ::: "memory");
  if (!tracing()) return;
  trace({.kind = TraceKind::Tags, .address = strip_tag(address), .first = length, .second = tag});
}

UncheckedAccess::UncheckedAccess() {
  asm volatile("mrs %0, tco\n\tmsr tco, #1" : "=r"(before_)::"memory");
}

UncheckedAccess::~UncheckedAccess() { asm volatile("msr tco, %0" ::"r"(before_) : "memory"); }

}  // namespace mtetso

#endif
