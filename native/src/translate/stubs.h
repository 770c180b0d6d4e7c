// SPDX-License-Identifier: MIT
//
// The stubs: how generated code is entered and left.
//
//   shared stubs    of no tier, made once for the process and first of all: entering, leaving,
//                   dispatching, helpers of generated code, calling back into the guest
//   import thunks   one for each host function that a program imports, made with its first code
//   entry stubs     one for each guest function that the host is to call, made when it is asked
//                   for (Code::export_function)
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "code/code.h"
#include "compiled.h"
#include "guest/elf_image.h"
#include "options.h"
#include "translate/frame.h"

namespace mtetso {

// Guest addresses that no program has (above all user space): a thread's first function returns to
// the first; a function that the host called returns to the second; the third calls Frame::callee.
inline constexpr uint64_t kThreadReturnRip = 0xffff'ffff'ffff'0000;
inline constexpr uint64_t kCallbackReturnRip = kThreadReturnRip + 0x10;
inline constexpr uint64_t kCallbackRip = kThreadReturnRip + 0x20;

// A guest's import stub is `ud2; ret`: entering it calls the host function; the guest continues at
// the `ret`, an ordinary guest instruction.
inline constexpr uint64_t kImportStubLength = 2;

// Called when native code calls a guest function, with the C calling convention: `arguments` are
// the six that the System V ABI has in registers; the result is rax.
using CallGuest = uint64_t (*)(uint64_t guest_rip, uintptr_t target, const uint64_t* arguments);

// The number of the host function of this name. Throws StatusError(Malformed).
using ImportNumber = uint64_t (*)(const std::string& name);

struct HostCallbacks {
  CallGuest call_guest = nullptr;
  ImportNumber import_number = nullptr;
};

struct SharedStubs {
  CompiledCode code;
  uint32_t enter = 0;  // offset; ExitReason(Frame*, host entry), by the C calling convention
  uint32_t fault_trampoline = 0;
  uint32_t call_guest = 0;  // what entry stubs jump to
  uint32_t frame_stubs[static_cast<size_t>(FrameStub::Count)] = {};
};

SharedStubs make_shared_stubs(const Options& options, CallGuest call_guest);

// Thunks that call host functions. Throws StatusError(Malformed) if there is no such function.
CompiledCode make_import_thunks(const Options& options, std::span<const ElfImport> imports,
                                ImportNumber number_of);

// `call_guest`: the address of that shared stub.
CompiledCode make_entry_stub(const Options& options, const EntryStub& stub, uintptr_t call_guest);

}  // namespace mtetso
