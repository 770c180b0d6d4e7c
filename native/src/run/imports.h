// SPDX-License-Identifier: MIT
//
// The host functions that a guest can import. Arguments and result follow the System V ABI.
#pragma once

#include <vector>

#include "run/process.h"

namespace mtetso {

class Imports {
 public:
  enum class Result { Return, Retry, Yield };  // Yield: return, and end the turn

  // Throws StatusError(MalformedElf) where the image imports a function that is not there.
  Imports(Process& process, Scheduler& scheduler);

  // Calls the image's import `index` for `thread`, which has just entered its stub. On Return and
  // Yield the guest goes on behind the stub. Throws GuestExit.
  Result call(uint64_t index, GuestThread& thread);

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
  Result read(GuestThread& thread, Arguments& arguments);
  Result map_file(GuestThread& thread, Arguments& arguments);

  Process& process_;
  Scheduler& scheduler_;
  std::vector<Function> functions_;  // by index of the image's imports
};

}  // namespace mtetso
