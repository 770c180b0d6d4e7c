// SPDX-License-Identifier: MIT
//
// The executable mappings of a Linux program: each is a Program with code of its own, made when it
// is reached.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "memory/guest_memory.h"
#include "run/engine.h"

namespace mtetso {

class Modules {
 public:
  // Whether the guest may write to it as well.
  enum class Kind { Constant, Written };

  Modules(Engine& engine, GuestMemory& memory) : engine_(engine), memory_(memory) {}

  // [address, address + length) is executable from now on, and has the bytes of the open file from
  // `offset` on. Throws StatusError, CodeError.
  void map_file(const std::string& path, int descriptor, uint64_t offset, uint64_t length,
                uint64_t address);
  // It is executable and holds whatever the guest has put there. Throws StatusError, CodeError.
  void map_bytes(Kind kind, uint64_t address, uint64_t length);
  // Code of these pages must not be run any more: they will be written, or are about to go. No
  // thread runs it any more but what it is in the middle of.
  void drop(uint64_t begin, uint64_t end);
  // Whether a module of that kind has code of all these pages.
  bool covers(Kind kind, uint64_t begin, uint64_t end) const;
  // What there is of that kind, cut to these pages.
  std::vector<std::pair<uint64_t, uint64_t>> parts(Kind kind, uint64_t begin, uint64_t end) const;

 private:
  struct Module {
    uint64_t begin;
    uint64_t end;
    uint64_t program;
    Kind kind;
  };
  // What is left of a module: another one.
  struct Part {
    Kind kind;
    uint64_t begin;
    uint64_t end;
    std::string path;
    ElfImage image;
  };
  Part part_of(const Module& module, uint64_t begin, uint64_t end) const;
  void add(Part part);

  Engine& engine_;
  GuestMemory& memory_;
  mutable std::mutex lock_;
  std::vector<Module> modules_;
};

}  // namespace mtetso
