// SPDX-License-Identifier: MIT
#include "run/program_source.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "memory/tags.h"
#include "status.h"
#include "translate/decoder.h"

namespace mtetso {

const ElfSegment* ProgramSource::writable_segment(uint64_t address) const {
  for (const ElfSegment& one : image_.segments())
    if ((one.flags & PF_X) != 0 && (one.flags & PF_W) != 0 && address >= one.address &&
        address - one.address < one.memory_size)
      return &one;
  return nullptr;
}

bool ProgramSource::writable(uint64_t address) const {
  return writable_segment(address) != nullptr;
}

uint64_t ProgramSource::end_at(uint64_t address) const {
  if (const ElfSegment* one = writable_segment(address)) return one->address + one->memory_size;
  return address + image_.code_at(address).size();
}

std::span<const uint8_t> ProgramSource::code_at(uint64_t address) const {
  if (!writable(address)) return image_.code_at(address);
  const size_t size = std::min<uint64_t>(Decoder::kMaxLength, end_at(address) - address);
  if (!pages_.protect(address, size))
    throw StatusError(Status::Internal, std::string("cannot protect code that can be written: ") +
                                            std::strerror(errno));
  return pages_.bytes(address, size);
}

}  // namespace mtetso
