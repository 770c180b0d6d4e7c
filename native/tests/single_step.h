// SPDX-License-Identifier: MIT
//
// Runs a function in a child process one instruction at a time, and looks at the child's memory
// after each: what a debugger may find, at any instruction.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace mtetso {

class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}

  template <typename T>
  T read(uint64_t address) const {
    T value;
    read_bytes(address, &value, sizeof value);
    return value;
  }

  void read_bytes(uint64_t address, void* out, size_t length) const {
    iovec local{out, length};
    iovec remote{reinterpret_cast<void*>(address), length};
    if (length != 0 &&
        process_vm_readv(pid_, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(length))
      throw std::runtime_error("the child's memory cannot be read");
  }

 private:
  pid_t pid_;
};

// Returns how many instructions were looked at. `body` starts from a copy of this process and its
// effects stay in the child.
inline size_t single_step(const std::function<void()>& body,
                          const std::function<void(const Child&)>& look) {
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("no process to step through");  // and none to kill
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    body();
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  size_t steps = 0;
  waitpid(pid, &status, 0);
  const Child child(pid);
  for (;;) {
    ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) != SIGTRAP) break;
    look(child);
    ++steps;
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return steps;
}

}  // namespace mtetso
