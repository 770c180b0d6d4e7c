// SPDX-License-Identifier: MIT
//
// The executable mappings of a Linux program: each is a Program with code of its own, made when it
// is reached.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "memory/guest_memory.h"
#include "run/engine.h"

namespace mtetso {

class Modules {
 public:
  Modules(Engine& engine, GuestMemory& memory) : engine_(engine), memory_(memory) {}

  // [address, address + length) is executable from now on, and has the bytes of the open file from
  // `offset` on. Throws StatusError, CodeError.
  void map_file(const std::string& path, int descriptor, uint64_t offset, uint64_t length,
                uint64_t address);
  // It is executable and holds whatever the guest has put there; the guest cannot write to it.
  void map_bytes(uint64_t address, uint64_t length);
  // Code of these pages must not be run any more: they will be written, or are gone.
  void drop(uint64_t begin, uint64_t end);
  // Whether a module has code of all these pages.
  bool covers(uint64_t begin, uint64_t end) const;

 private:
  struct Module {
    uint64_t begin;
    uint64_t end;
    uint64_t program;
  };

  Engine& engine_;
  GuestMemory& memory_;
  mutable std::mutex lock_;
  std::vector<Module> modules_;
};

}  // namespace mtetso
