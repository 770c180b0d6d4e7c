// SPDX-License-Identifier: MIT
//
// Host functions that call the guest, and that bring further programs in.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "run/imports.h"

namespace mtetso {
namespace {

constexpr uint64_t kFailed = ~uint64_t{0};
constexpr uint64_t kMostSorted = 1u << 24;

}  // namespace

// call(function, a, b): calls a guest function as native code does that was given its address.
Imports::Result Imports::call_back(GuestThread&, Arguments& arguments) {
  using Native = uint64_t (*)(uint64_t, uint64_t);
  const auto native = reinterpret_cast<Native>(process_.engine().export_function(arguments.rdi));
  arguments.rax = native(arguments.rsi, arguments.rdx);
  return Result::Return;
}

// sort(values, count, less): sorts 64-bit numbers by the guest's less(a, b), stably; 0, or -1 where
// the memory is not the guest's.
Imports::Result Imports::sort(GuestThread& thread, Arguments& arguments) {
  using Less = uint64_t (*)(uint64_t, uint64_t);
  arguments.rax = kFailed;
  if (arguments.rsi > kMostSorted) return Result::Return;
  std::vector<uint64_t> values(arguments.rsi);
  const size_t bytes = values.size() * sizeof(uint64_t);
  auto& memory = process_.memory();
  if (!memory.host_read(&thread.frame->guest, arguments.rdi, values.data(), bytes))
    return Result::Return;
  const auto less = reinterpret_cast<Less>(process_.engine().export_function(arguments.rdx));
  // A comparison that contradicts itself leaves some order: a merge stays inside of its ranges.
  std::stable_sort(values.begin(), values.end(),
                   [&](uint64_t a, uint64_t b) { return (less(a, b) & 0xff) != 0; });
  if (memory.host_write(&thread.frame->guest, arguments.rdi, values.data(), bytes))
    arguments.rax = 0;
  return Result::Return;
}

// load(path): a further program, which may import and be called, and whose entry point is not run;
// its handle, or -1, and standard error says why.
Imports::Result Imports::load(GuestThread& thread, Arguments& arguments) {
  std::string path, why = "the path is not in the guest's memory";
  Program* made = nullptr;
  if (read_text(thread, arguments.rdi, path)) made = process_.load(path, why);
  if (made == nullptr) std::fprintf(stderr, "mtetso: load: %s\n", why.c_str());
  arguments.rax = made == nullptr ? kFailed : made->code().id();
  return Result::Return;
}

// symbol(handle, name): the address of a function of a loaded program, 0 where there is none.
Imports::Result Imports::symbol(GuestThread& thread, Arguments& arguments) {
  std::string name;
  const Program* program = process_.engine().find(arguments.rdi);
  if (program == nullptr || !read_text(thread, arguments.rsi, name)) return Result::Return;
  for (const auto& function : program->image().functions())
    if (function.name == name) arguments.rax = function.address;
  return Result::Return;
}

// unload(handle): 0, or -1 where there is no such program. Nobody may be in it.
Imports::Result Imports::unload(GuestThread&, Arguments& arguments) {
  arguments.rax = process_.unload(arguments.rdi) ? 0 : kFailed;
  return Result::Return;
}

}  // namespace mtetso
