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

// A thunk that forgot the rule: it takes a guest's pointer for a host's and does not go through
// GuestMemory. On memory that is local to a core the process dies here, at a PC that is no memop.
// It has a name of its own so that a post-mortem can show it.
extern "C" __attribute__((noinline)) uint64_t mtetso_host_peek(const volatile uint64_t* pointer) {
  return *pointer;
}

namespace mtetso {
namespace {

constexpr uint64_t kFailed = ~uint64_t{0};
constexpr uint64_t kMaxAllocation = 1ull << 30;

// Writes all of it; false where the descriptor does not take it.
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

const Imports::Name Imports::kNames[] = {
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
  const auto known = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const auto& one) { return name == one.name; });
  if (known == std::end(kNames))
    throw StatusError(Status::Malformed,
                      "the guest imports a function that does not exist: " + name);
  return static_cast<uint64_t>(known - std::begin(kNames));
}

Imports::Result Imports::call(uint64_t number, GuestThread& thread) {
  auto& guest = thread.frame->guest;
  guest.state = MTEDBG_ThreadState_Thunk;
  Arguments arguments{guest.rdi, guest.rsi, guest.rdx};
  Result result = (this->*kNames[number].function)(thread, arguments);
  if (thread.pending) std::rethrow_exception(std::exchange(thread.pending, nullptr));
  if (result != Result::Retry) {
    guest.rax = arguments.rax;
    guest.rip += kImportStubLength;
  }
  guest.state = MTEDBG_ThreadState_Dispatcher;
  return result;
}

// write(bytes, size): to standard output; the size, or -1 where the memory is not the guest's.
Imports::Result Imports::write(GuestThread& thread, Arguments& arguments) {
  char buffer[1024];
  uint64_t address = arguments.rdi, left = arguments.rsi;
  arguments.rax = arguments.rsi;
  while (left != 0) {
    size_t part = std::min<uint64_t>(left, sizeof buffer);
    if (!process_.memory().host_read(&thread.frame->guest, address, buffer, part) ||
        !write_all(buffer, part)) {
      arguments.rax = kFailed;
      break;
    }
    address += part;
    left -= part;
  }
  return Result::Return;
}

Imports::Result Imports::exit(GuestThread&, Arguments& arguments) {
  throw GuestExit{static_cast<int>(arguments.rdi & 0xff)};
}

// spawn(function, argument): the new thread's id, or -1.
Imports::Result Imports::spawn(GuestThread&, Arguments& arguments) {
  GuestThread* made = process_.make_thread(arguments.rdi, arguments.rsi);
  arguments.rax = made == nullptr ? kFailed : made->id;
  if (made != nullptr) scheduler_.start(*made);
  return Result::Return;
}

// join(id): what the thread's function returned, or -1 where there is no such other thread.
Imports::Result Imports::join(GuestThread& thread, Arguments& arguments) {
  GuestThread* other = process_.find(arguments.rdi);
  if (other == nullptr || other == &thread) {
    arguments.rax = kFailed;
    return Result::Return;
  }
  if (!scheduler_.wait(thread, *other)) return Result::Retry;
  arguments.rax = other->result;
  return Result::Return;
}

// allocate(size): zeroed memory, local to the caller's core; 0 where there is none.
Imports::Result Imports::allocate(GuestThread& thread, Arguments& arguments) {
  if (arguments.rdi != 0 && arguments.rdi <= kMaxAllocation)
    arguments.rax = process_.memory().allocate(
        arguments.rdi, static_cast<uint32_t>(thread.frame->guest.host_core_id));
  return Result::Return;
}

Imports::Result Imports::core_id(GuestThread& thread, Arguments& arguments) {
  const Options& options = process_.options();
  const uint32_t core = reads_rseq(options) ? current_processor() : thread.core;
  arguments.rax = core + first_core_id(options.shared_tag);
  return Result::Return;
}

Imports::Result Imports::yield(GuestThread& thread, Arguments&) {
  return scheduler_.yield(thread) ? Result::Yield : Result::Return;
}

Imports::Result Imports::host_peek(GuestThread&, Arguments& arguments) {
  arguments.rax = mtetso_host_peek(reinterpret_cast<const volatile uint64_t*>(arguments.rdi));
  return Result::Return;
}

}  // namespace mtetso
