// SPDX-License-Identifier: MIT

#include "run/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

namespace mtetso {
namespace {

std::string in_notes(const unsigned char* at, size_t size) {
  const auto round = [](size_t value) { return (value + 3) & ~size_t{3}; };
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const size_t length = sizeof note + round(note.n_namesz) + round(note.n_descsz);
    if (length > size) break;
    const unsigned char* name = at + sizeof note;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      std::string text;
      const unsigned char* id = name + 4;
      constexpr char kDigits[] = "0123456789abcdef";
      for (size_t i = 0; i < note.n_descsz; ++i) text += {kDigits[id[i] >> 4], kDigits[id[i] & 15]};
      return text;
    }
    at += length;
    size -= length;
  }
  return {};
}

// The first object is the program itself (dl_iterate_phdr(3)).
int visit(dl_phdr_info* info, size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const unsigned char*>(info->dlpi_addr + header.p_vaddr);
    if (auto found = in_notes(at, header.p_memsz); !found.empty())
      *static_cast<std::string*>(out) = found;
  }
  return 1;
}

}  // namespace

const std::string& build_id() {
  static const std::string id = [] {
    std::string found = "unknown";
    dl_iterate_phdr(visit, &found);
    return found;
  }();
  return id;
}

}  // namespace mtetso
