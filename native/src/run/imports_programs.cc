// SPDX-License-Identifier: MIT
//
// Host functions that call the guest, and that load further programs.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "debug/say.h"
#include "run/imports.h"

namespace mtetso {
namespace {

constexpr uint64_t kFailed = ~uint64_t{0};
constexpr uint64_t kMostSorted = 1u << 24;

}  // namespace

// call(function, a, b): calls a guest function as native code would, by its exported address.
Imports::Next Imports::call_back(GuestThread&, CallRegisters& registers) {
  using Native = uint64_t (*)(uint64_t, uint64_t);
  const auto native = reinterpret_cast<Native>(process_.engine().export_function(registers.rdi));
  registers.rax = native(registers.rsi, registers.rdx);
  return Next::Return;
}

// sort(values, count, less): sorts 64-bit numbers by the guest's less(a, b), stably; 0, or -1 if
// the memory is not the guest's.
Imports::Next Imports::sort(GuestThread& thread, CallRegisters& registers) {
  using Less = uint64_t (*)(uint64_t, uint64_t);
  registers.rax = kFailed;
  if (registers.rsi > kMostSorted) return Next::Return;
  std::vector<uint64_t> values(registers.rsi);
  const size_t bytes = values.size() * sizeof(uint64_t);
  auto& memory = process_.memory();
  if (!memory.host_read(&thread.frame->guest, registers.rdi, values.data(), bytes))
    return Next::Return;
  const auto less = reinterpret_cast<Less>(process_.engine().export_function(registers.rdx));
  // A comparison that contradicts itself leaves some order: a merge stays inside of its ranges.
  std::stable_sort(values.begin(), values.end(),
                   [&](uint64_t a, uint64_t b) { return (less(a, b) & 0xff) != 0; });
  if (memory.host_write(&thread.frame->guest, registers.rdi, values.data(), bytes))
    registers.rax = 0;
  return Next::Return;
}

// load(path): loads a further program, which may import and be called; its entry point is not run.
// Its handle, or -1 with a message on standard error.
Imports::Next Imports::load(GuestThread& thread, CallRegisters& registers) {
  std::string path, why = "the path is not in the guest's memory";
  Program* made = nullptr;
  if (read_text(thread, registers.rdi, path)) made = process_.load(thread, path, why);
  if (made == nullptr) say("load: " + why);
  registers.rax = made == nullptr ? kFailed : made->code().id();
  return Next::Return;
}

// symbol(handle, name): the address of a function of a loaded program, 0 if there is none.
Imports::Next Imports::symbol(GuestThread& thread, CallRegisters& registers) {
  std::string name;
  const Program* program = process_.engine().find(registers.rdi);
  if (program == nullptr || !read_text(thread, registers.rsi, name)) return Next::Return;
  for (const auto& function : program->image().functions())
    if (function.name == name) registers.rax = function.address;
  return Next::Return;
}

// unload(handle): 0, or -1 if there is no such program. No thread may be in it.
Imports::Next Imports::unload(GuestThread&, CallRegisters& registers) {
  registers.rax = process_.unload(registers.rdi) ? 0 : kFailed;
  return Next::Return;
}

}  // namespace mtetso
