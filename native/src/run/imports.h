// SPDX-License-Identifier: MIT
//
// The host functions that a guest can import. Arguments and result follow the System V ABI.
#pragma once

#include <string>

#include "run/process.h"

namespace mtetso {

class Imports {
 public:
  enum class Result { Return, Retry, Yield };  // Yield: return, and end the turn

  Imports(Process& process, Scheduler& scheduler) : process_(process), scheduler_(scheduler) {}

  // The number by which generated code asks for a host function. Throws StatusError(Malformed)
  // where there is none of that name.
  static uint64_t number_of(const std::string& name);

  // Calls function `number` for `thread`, which has just entered its stub. On Return and Yield the
  // guest goes on behind the stub. Throws GuestExit.
  Result call(uint64_t number, GuestThread& thread);

 private:
  struct Arguments {
    uint64_t rdi, rsi, rdx;
    uint64_t rax = 0;  // the result
  };
  using Function = Result (Imports::*)(GuestThread&, Arguments&);
  struct Name {
    const char* name;
    Function function;
  };
  static const Name kNames[];

  Result write(GuestThread& thread, Arguments& arguments);
  Result exit(GuestThread& thread, Arguments& arguments);
  Result spawn(GuestThread& thread, Arguments& arguments);
  Result join(GuestThread& thread, Arguments& arguments);
  Result allocate(GuestThread& thread, Arguments& arguments);
  Result core_id(GuestThread& thread, Arguments& arguments);
  Result yield(GuestThread& thread, Arguments& arguments);
  Result host_peek(GuestThread& thread, Arguments& arguments);
  // imports_files.cc
  // A NUL-terminated text of the guest's, of at most a page; false where there is none.
  bool read_text(GuestThread& thread, uint64_t address, std::string& text);
  Result read(GuestThread& thread, Arguments& arguments);
  Result map_file(GuestThread& thread, Arguments& arguments);
  // imports_programs.cc
  Result call_back(GuestThread& thread, Arguments& arguments);
  Result sort(GuestThread& thread, Arguments& arguments);
  Result load(GuestThread& thread, Arguments& arguments);
  Result symbol(GuestThread& thread, Arguments& arguments);
  Result unload(GuestThread& thread, Arguments& arguments);

  Process& process_;
  Scheduler& scheduler_;
};

}  // namespace mtetso
