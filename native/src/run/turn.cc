// SPDX-License-Identifier: MIT

#include "run/turn.h"

#include <cstdio>

#include "debug/threads.h"
#include "run/core_ids.h"
#include "status.h"

namespace mtetso {
namespace {

[[noreturn]] void guest_fault(Process& process, Frame& frame, const char* what) {
  char text[96];
  std::snprintf(text, sizeof text, "guest thread %llu: %s at ",
                static_cast<unsigned long long>(frame.guest.thread_id), what);
  throw StatusError(Status::GuestFault, text + process.engine().describe(frame.guest.rip));
}

[[noreturn]] void bad_address(Process& process, Frame& frame) {
  char what[48];
  std::snprintf(what, sizeof what, "bad address 0x%llx",
                static_cast<unsigned long long>(frame.exit_detail));
  guest_fault(process, frame, what);
}

}  // namespace

TurnEnd run_turn(Process& process, Imports& imports, GuestThread& thread) {
  Frame& frame = *thread.frame;
  for (;;) {
    refresh_core_id(process.options(), frame);
    const ExitReason reason = process.engine().run(frame);
    refresh_core_id(process.options(), frame);
    switch (reason) {
      case ExitReason::Poll:
        return TurnEnd::Poll;
      case ExitReason::Import:
        switch (imports.call(frame.exit_detail, thread)) {
          case Imports::Result::Return:
            break;
          case Imports::Result::Retry:
            return TurnEnd::Blocked;
          case Imports::Result::Yield:
            return TurnEnd::Yield;
        }
        break;
      case ExitReason::ThreadReturn:
        thread.result = frame.guest.rax;
        thread_exited(&frame.guest, thread.result);
        return TurnEnd::Exited;
      case ExitReason::Throw:
        throw StatusError(
            Status::UnsupportedInstruction,
            "unsupported instruction at " + process.engine().describe(frame.guest.rip));
      case ExitReason::Divide:
        guest_fault(process, frame, "division by zero or quotient too large");
      case ExitReason::Undefined:
        guest_fault(process, frame, "undefined instruction");
      case ExitReason::GuestFault:
        bad_address(process, frame);
      case ExitReason::Lookup:
        throw StatusError(Status::Internal, "a look-up reached the scheduler");
    }
  }
}

}  // namespace mtetso
