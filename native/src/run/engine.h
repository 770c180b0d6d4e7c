// SPDX-License-Identifier: MIT
//
// The engine: from a guest address to running code. Owns the translator and the code; knows
// nothing of threads and host functions.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "code/code.h"
#include "guest/elf_image.h"
#include "options.h"
#include "run/enter.h"
#include "run/frame.h"
#include "translate/translator.h"

namespace mtetso {

class Engine {
 public:
  // Makes the shared stubs, then translates every function of the image into one baseline block.
  // Both arguments outlive the engine. Throws StatusError.
  Engine(const Options& options, const ElfImage& image);

  // A new frame, of the debugger's kind of memory, that can enter generated code.
  Frame* new_frame(uint64_t thread_id, uint32_t core_tag);

  // Runs from frame.guest.rip until generated code leaves for any reason but a look-up; code that
  // is not there yet is translated. Throws StatusError where the guest goes to no code.
  ExitReason run(Frame& frame);

  // What the instruction at `rip` is, for messages.
  std::string describe(uint64_t rip) const { return translator_.describe(rip); }

  // Where the code of the guest instruction at `rip` is entered; 0 where it is not translated.
  uintptr_t entry(uint64_t rip) const { return code_.entry(rip); }

  uintptr_t fault_trampoline() const { return fault_trampoline_; }

 private:
  void make_stubs();
  void translate_program();
  uintptr_t translate_at(uint64_t rip);
  uintptr_t resolve(Frame& frame);
  Unit unit_of(uint64_t rip) const;

  const Options& options_;
  const ElfImage& image_;
  Translator translator_;
  Code code_;
  std::mutex translating_;
  std::vector<uint32_t> functions_;  // the code manager's index of image_.functions()[i]
  EnterStub enter_ = nullptr;
  uintptr_t fault_trampoline_ = 0;
  uintptr_t frame_stubs_[static_cast<size_t>(FrameStub::Count)] = {};
};

}  // namespace mtetso
