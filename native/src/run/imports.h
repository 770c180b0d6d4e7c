// SPDX-License-Identifier: MIT
//
// The host functions that a guest can import. Arguments and result follow the System V ABI.
#pragma once

#include <string>

#include "run/process.h"

namespace mtetso {

class Imports {
 public:
  // What the guest does next: returns from the host function, calls it again later, or returns and
  // ends its turn.
  enum class Next { Return, Retry, Yield };

  Imports(Process& process, Scheduler& scheduler) : process_(process), scheduler_(scheduler) {}

  // The number of a host function in generated code. Throws StatusError(Malformed)
  // if there is none of that name.
  static uint64_t number_of(const std::string& name);

  // Calls function `number` for `thread`, which has just entered its stub. On Return and Yield the
  // guest continues after the stub. Throws GuestExit.
  Next call(uint64_t number, GuestThread& thread);

 private:
  struct CallRegisters {
    uint64_t rdi, rsi, rdx;
    uint64_t rax = 0;  // the result
  };
  using Method = Next (Imports::*)(GuestThread&, CallRegisters&);
  struct HostFunction {
    const char* name;
    Method method;
  };
  static const HostFunction kFunctions[];

  Next write(GuestThread& thread, CallRegisters& registers);
  Next exit(GuestThread& thread, CallRegisters& registers);
  Next spawn(GuestThread& thread, CallRegisters& registers);
  Next join(GuestThread& thread, CallRegisters& registers);
  Next allocate(GuestThread& thread, CallRegisters& registers);
  Next core_id(GuestThread& thread, CallRegisters& registers);
  Next yield(GuestThread& thread, CallRegisters& registers);
  Next host_peek(GuestThread& thread, CallRegisters& registers);
  // imports_files.cc
  // Reads a NUL-terminated string of at most a page from guest memory; false if there is none.
  bool read_text(GuestThread& thread, uint64_t address, std::string& text);
  Next read(GuestThread& thread, CallRegisters& registers);
  Next map_file(GuestThread& thread, CallRegisters& registers);
  // imports_programs.cc
  Next call_back(GuestThread& thread, CallRegisters& registers);
  Next sort(GuestThread& thread, CallRegisters& registers);
  Next load(GuestThread& thread, CallRegisters& registers);
  Next symbol(GuestThread& thread, CallRegisters& registers);
  Next unload(GuestThread& thread, CallRegisters& registers);

  Process& process_;
  Scheduler& scheduler_;
};

}  // namespace mtetso
