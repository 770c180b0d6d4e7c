// SPDX-License-Identifier: MIT
#include "linux/traps.h"

#include <sys/mman.h>
#include <unistd.h>

#include "float/sse.h"

namespace mtetso {
namespace {

constexpr int kTopBit = 47;  // of an address that user space can have
constexpr uint64_t kProtection = 1, kUser = 4, kFetch = 16;  // a page fault's error code

// Whether there is a page, whatever may be done with it.
bool mapped(uint64_t address) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return msync(reinterpret_cast<void*>(address & ~(page - 1)), 1, MS_ASYNC) == 0;
}

GuestTrap page_fault(uint64_t address, uint64_t error) {
  const uint64_t top = address >> kTopBit;
  if (top != 0 && top != UINT64_MAX >> kTopBit)
    return {SIGSEGV, SI_KERNEL, 0, {x86::kTrapGeneral, 0, 0}};
  const bool there = top == 0 && mapped(address);
  if (there) error |= kProtection;
  return {SIGSEGV, there ? SEGV_ACCERR : SEGV_MAPERR, address, {x86::kTrapPage, error, address}};
}

// The first of the exceptions, as the kernel orders them (fpu__exception_code).
int float_code(uint64_t flags) {
  if ((flags & mxcsr::kInvalid) != 0) return FPE_FLTINV;
  if ((flags & mxcsr::kDivideByZero) != 0) return FPE_FLTDIV;
  if ((flags & mxcsr::kOverflow) != 0) return FPE_FLTOVF;
  if ((flags & (mxcsr::kDenormal | mxcsr::kUnderflow)) != 0) return FPE_FLTUND;
  return FPE_FLTRES;
}

}  // namespace

GuestTrap describe_trap(Trap what, uint64_t rip, uint64_t address) {
  switch (what) {
    case Trap::Divide:
      return {SIGFPE, FPE_INTDIV, rip, {x86::kTrapDivide, 0, 0}};
    case Trap::Undefined:
    case Trap::Unsupported:
      return {SIGILL, ILL_ILLOPN, rip, {x86::kTrapUndefined, 0, 0}};
    case Trap::Breakpoint:
      return {SIGTRAP, SI_KERNEL, 0, {x86::kTrapBreakpoint, 0, 0}};
    case Trap::Protection:
      return {SIGSEGV, SI_KERNEL, 0, {x86::kTrapGeneral, 0, 0}};
    case Trap::FloatingPoint:
      return {SIGFPE, float_code(address), rip, {x86::kTrapVector, 0, 0}};
    case Trap::FileEnd:
      return {SIGBUS, BUS_ADRERR, address, {x86::kTrapPage, kUser, address}};
    case Trap::NoCode:
      return page_fault(address, kUser | kFetch);
    case Trap::BadAddress:
      break;
  }
  return page_fault(address, kUser);
}

}  // namespace mtetso
