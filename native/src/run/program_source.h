// SPDX-License-Identifier: MIT
//
// The instructions of a program: of its file where nobody can write to them, else of its memory.
#pragma once

#include "guest/elf_image.h"
#include "memory/code_pages.h"
#include "translate/code_source.h"

namespace mtetso {

class ProgramSource : public CodeSource {
 public:
  // Both outlive this.
  ProgramSource(const ElfImage& image, CodePages& pages) : image_(image), pages_(pages) {}

  // Of memory that can be written, the bytes of one instruction: its pages are protected first.
  // Throws StatusError(Internal) if that fails.
  std::span<const uint8_t> code_at(uint64_t address) const override;

  // Whether `address` is in executable memory that the guest may write.
  bool writable(uint64_t address) const;
  // The end of the executable memory that holds `address`; `address` itself if none does.
  uint64_t end_at(uint64_t address) const;

 private:
  const ElfSegment* writable_segment(uint64_t address) const;

  const ElfImage& image_;
  CodePages& pages_;
};

}  // namespace mtetso
