// SPDX-License-Identifier: MIT
#include "linux/signal_frame.h"

#include <cstddef>
#include <cstring>

namespace mtetso {
namespace {

enum : unsigned { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi };

constexpr uint64_t kRedZone = 128;
constexpr uint64_t kTrapFlag = 1 << 8, kDirectionFlag = 1 << 10, kResumeFlag = 1 << 16;
// arch/x86/kernel/signal.c, FIX_EFLAGS: AC OF DF TF SF ZF AF PF CF RF.
constexpr uint64_t kRestorable = 1 << 18 | 1 << 11 | kDirectionFlag | kTrapFlag | 1 << 7 | 1 << 6 |
                                 1 << 4 | 1 << 2 | 1 << 0 | kResumeFlag;

}  // namespace

// The kernel's get_sigframe: the red zone, the FXSAVE area on 64 bytes, and the frame so that rsp
// is 8 below a multiple of 16, as after a call.
FramePlace place_signal_frame(uint64_t rsp, bool alternate) {
  if (!alternate) rsp -= kRedZone;
  FramePlace place;
  place.fpstate = (rsp - x86::kFpState) & ~uint64_t{63};
  place.frame = ((place.fpstate - sizeof(x86::SignalFrame)) & ~uint64_t{15}) - 8;
  return place;
}

x86::SignalFrame make_signal_frame(const SignalFrameInput& input, const FramePlace& place) {
  x86::SignalFrame frame = {};
  const auto& g = input.registers.general;
  frame.return_address = input.action.restorer;
  frame.user.flags = x86::kUserContextFlags;
  frame.user.stack = input.stack;
  frame.user.mask = input.mask;
  x86::SignalContext& to = frame.user.context;
  std::memcpy(&to.r8, &g[8], 8 * sizeof(uint64_t));
  to.rdi = g[kRdi];
  to.rsi = g[kRsi];
  to.rbp = g[kRbp];
  to.rbx = g[kRbx];
  to.rdx = g[kRdx];
  to.rax = g[kRax];
  to.rcx = g[kRcx];
  to.rsp = g[kRsp];
  to.rip = input.registers.rip;
  to.rflags = input.registers.rflags;
  to.cs = x86::kUserCode;
  to.ss = x86::kUserData;
  to.trap = input.cause.trap;
  to.error = input.cause.error;
  to.cr2 = input.cause.address;
  to.old_mask = input.mask;
  to.fpstate = place.fpstate;
  static_assert(sizeof(siginfo_t) == sizeof frame.info);
  std::memcpy(frame.info, &input.info, sizeof frame.info);
  return frame;
}

GuestRegisters enter_handler(const SignalFrameInput& input, const FramePlace& place) {
  GuestRegisters to = input.registers;
  to.general[kRdi] = static_cast<uint64_t>(input.info.si_signo);
  to.general[kRsi] = place.frame + offsetof(x86::SignalFrame, info);
  to.general[kRdx] = place.frame + offsetof(x86::SignalFrame, user);
  to.general[kRax] = 0;
  to.general[kRsp] = place.frame;
  to.rip = input.action.handler;
  to.rflags &= ~(kDirectionFlag | kResumeFlag | kTrapFlag);
  return to;
}

GuestRegisters registers_of(const x86::SignalFrame& frame, const GuestRegisters& now) {
  const x86::SignalContext& from = frame.user.context;
  GuestRegisters to;
  std::memcpy(&to.general[8], &from.r8, 8 * sizeof(uint64_t));
  to.general[kRdi] = from.rdi;
  to.general[kRsi] = from.rsi;
  to.general[kRbp] = from.rbp;
  to.general[kRbx] = from.rbx;
  to.general[kRdx] = from.rdx;
  to.general[kRax] = from.rax;
  to.general[kRcx] = from.rcx;
  to.general[kRsp] = from.rsp;
  to.rip = from.rip;
  to.rflags = (now.rflags & ~kRestorable) | (from.rflags & kRestorable);
  return to;
}

}  // namespace mtetso
