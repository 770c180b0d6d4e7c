// SPDX-License-Identifier: MIT

#include "run/imports.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "run/core_ids.h"
#include "status.h"
#include "translate/stubs.h"

// A thunk that breaks the rule on purpose: it uses a guest pointer as a host pointer, without
// GuestMemory. On memory that is local to a core the process dies here, at a PC that is not a
// memop. It has a name of its own so that a post-mortem can show it.
extern "C" __attribute__((noinline)) uint64_t mtetso_host_peek(const volatile uint64_t* pointer) {
  return *pointer;
}

namespace mtetso {
namespace {

constexpr uint64_t kFailed = ~uint64_t{0};
constexpr uint64_t kMaxAllocation = 1ull << 30;

// Writes all bytes; false if that fails.
bool write_all(const char* bytes, size_t size) {
  while (size != 0) {
    ssize_t done = ::write(STDOUT_FILENO, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<size_t>(done);
  }
  return true;
}

}  // namespace

const Imports::HostFunction Imports::kFunctions[] = {
    {"mtetso_write", &Imports::write},       {"mtetso_exit", &Imports::exit},
    {"mtetso_spawn", &Imports::spawn},       {"mtetso_join", &Imports::join},
    {"mtetso_allocate", &Imports::allocate}, {"mtetso_core_id", &Imports::core_id},
    {"mtetso_yield", &Imports::yield},       {"mtetso_host_peek", &Imports::host_peek},
    {"mtetso_read", &Imports::read},         {"mtetso_map_file", &Imports::map_file},
    {"mtetso_call", &Imports::call_back},    {"mtetso_sort", &Imports::sort},
    {"mtetso_load", &Imports::load},         {"mtetso_symbol", &Imports::symbol},
    {"mtetso_unload", &Imports::unload},
};

uint64_t Imports::number_of(const std::string& name) {
  const auto known = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                  [&](const auto& one) { return name == one.name; });
  if (known == std::end(kFunctions))
    throw StatusError(Status::Malformed,
                      "the guest imports a function that does not exist: " + name);
  return static_cast<uint64_t>(known - std::begin(kFunctions));
}

Imports::Next Imports::call(uint64_t number, GuestThread& thread) {
  auto& guest = thread.frame->guest;
  guest.state = MTEDBG_ThreadState_Thunk;
  CallRegisters registers{guest.rdi, guest.rsi, guest.rdx};
  const Next next = (this->*kFunctions[number].method)(thread, registers);
  if (thread.pending) std::rethrow_exception(std::exchange(thread.pending, nullptr));
  if (next != Next::Retry) {
    guest.rax = registers.rax;
    guest.rip += kImportStubLength;
  }
  guest.state = MTEDBG_ThreadState_Dispatcher;
  return next;
}

// write(bytes, size): to standard output; the size, or -1 if the memory is not the guest's.
Imports::Next Imports::write(GuestThread& thread, CallRegisters& registers) {
  char buffer[1024];
  uint64_t address = registers.rdi, left = registers.rsi;
  registers.rax = registers.rsi;
  while (left != 0) {
    size_t part = std::min<uint64_t>(left, sizeof buffer);
    if (!process_.memory().host_read(&thread.frame->guest, address, buffer, part) ||
        !write_all(buffer, part)) {
      registers.rax = kFailed;
      break;
    }
    address += part;
    left -= part;
  }
  return Next::Return;
}

Imports::Next Imports::exit(GuestThread&, CallRegisters& registers) {
  throw GuestExit{static_cast<int>(registers.rdi & 0xff)};
}

// spawn(function, argument): the new thread's id, or -1.
Imports::Next Imports::spawn(GuestThread&, CallRegisters& registers) {
  GuestThread* made = process_.make_thread(registers.rdi, registers.rsi);
  registers.rax = made == nullptr ? kFailed : made->id;
  if (made != nullptr) scheduler_.start(*made);
  return Next::Return;
}

// join(id): what the thread's function returned, or -1 if there is no such other thread.
Imports::Next Imports::join(GuestThread& thread, CallRegisters& registers) {
  GuestThread* other = process_.find(registers.rdi);
  if (other == nullptr || other == &thread) {
    registers.rax = kFailed;
    return Next::Return;
  }
  if (!scheduler_.wait(thread, *other)) return Next::Retry;
  registers.rax = other->result;
  return Next::Return;
}

// allocate(size): zeroed memory, local to the caller's core; 0 if there is none.
Imports::Next Imports::allocate(GuestThread& thread, CallRegisters& registers) {
  if (registers.rdi != 0 && registers.rdi <= kMaxAllocation)
    registers.rax = process_.memory().allocate(
        registers.rdi, static_cast<uint32_t>(thread.frame->guest.host_core_id));
  return Next::Return;
}

Imports::Next Imports::core_id(GuestThread& thread, CallRegisters& registers) {
  const Options& options = process_.options();
  const uint32_t core = reads_rseq(options) ? current_processor() : thread.core;
  registers.rax = core + first_core_id(options.shared_tag);
  return Next::Return;
}

Imports::Next Imports::yield(GuestThread& thread, CallRegisters&) {
  return scheduler_.yield(thread) ? Next::Yield : Next::Return;
}

Imports::Next Imports::host_peek(GuestThread&, CallRegisters& registers) {
  registers.rax = mtetso_host_peek(reinterpret_cast<const volatile uint64_t*>(registers.rdi));
  return Next::Return;
}

}  // namespace mtetso
