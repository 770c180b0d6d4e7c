// SPDX-License-Identifier: MIT
//
// The shared stubs: code of no tier, made once and first. How generated code is entered and left.
#pragma once

#include <cstdint>
#include <span>

#include "compiled.h"
#include "guest/elf_image.h"
#include "options.h"
#include "run/frame.h"

namespace mtetso {

// A thread's first function returns to here: no guest address (above all user space).
inline constexpr uint64_t kThreadReturnRip = 0xffff'ffff'ffff'0000;

// A guest's import stub is `ud2; ret`: entering it calls the host function, which goes on at the
// `ret`, an ordinary guest instruction.
inline constexpr uint64_t kImportStubLength = 2;

struct SharedStubs {
  CompiledCode code;
  uint32_t enter = 0;  // offset; ExitReason(Frame*, host entry), by the C calling convention
  uint32_t fault_trampoline = 0;
  uint32_t frame_stubs[static_cast<size_t>(FrameStub::Count)] = {};
};

SharedStubs make_shared_stubs(const Options& options, std::span<const ElfImport> imports);

}  // namespace mtetso
