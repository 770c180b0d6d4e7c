// SPDX-License-Identifier: MIT
//
// Loads a program as the kernel does (fs/binfmt_elf.c): its segments, those of its interpreter, and
// the first stack, with arguments, environment and auxiliary vector. Addresses do not vary from run
// to run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "memory/guest_memory.h"

namespace mtetso {

// Called for each executable mapping of a file.
using CodeMapped = std::function<void(const std::string& path, int descriptor, uint64_t offset,
                                      uint64_t length, uint64_t address)>;

struct LoadRequest {
  std::string path;                      // of the program, on the host
  std::string name;                      // as the program sees it (AT_EXECFN)
  std::vector<std::string> arguments;    // argv
  std::vector<std::string> environment;  // envp
  std::string sysroot;                   // where its interpreter is looked for; empty: /
  uint64_t stack_size = 8 << 20;         // bytes
  uint32_t tag = 0;                      // of the memory of the first thread
};

struct LoadedProgram {
  uint64_t entry = 0;  // of the interpreter, if there is one
  uint64_t stack = 0;  // rsp
  uint64_t stack_low = 0;
  uint64_t stack_high = 0;
  uint64_t break_begin = 0;  // brk(2) begins here
  uint64_t code_low = 0,
           code_high = 0;  // of its executable segments, and of those that it may write
  uint64_t data_low = 0, data_high = 0;
  uint64_t arguments_low = 0;  // their strings, those of the environment behind them
  uint64_t environment_low = 0, environment_high = 0;
  std::vector<uint64_t> auxiliary;  // the auxiliary vector
};

// Throws StatusError: CannotOpen, Malformed, WrongTarget, Internal (an address that is taken).
LoadedProgram load_program(const LoadRequest& request, GuestMemory& memory,
                           const CodeMapped& code_mapped);

}  // namespace mtetso
