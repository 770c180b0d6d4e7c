// SPDX-License-Identifier: MIT
//
// What an ELF file is that is not a guest, for messages.
#pragma once

#include <elf.h>

#include <string>

namespace mtetso {

// Why a file with this header is no x86-64 program, and what to do; empty if neither its type nor
// its machine tells that it is none.
std::string why_no_guest(const Elf64_Ehdr& header);

}  // namespace mtetso
