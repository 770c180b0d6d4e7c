// SPDX-License-Identifier: MIT
#include "guest/elf_names.h"

namespace mtetso {
namespace {

struct NamedMachine {
  uint16_t machine;
  const char* name;
};

// Those that a user may meet; elf.h of older systems does not have the last.
constexpr NamedMachine kMachines[] = {
    {EM_386, "EM_386"},         {EM_MIPS, "EM_MIPS"},   {EM_PPC64, "EM_PPC64"},
    {EM_S390, "EM_S390"},       {EM_ARM, "EM_ARM"},     {EM_X86_64, "EM_X86_64"},
    {EM_AARCH64, "EM_AARCH64"}, {EM_RISCV, "EM_RISCV"}, {EM_BPF, "EM_BPF"},
    {258, "EM_LOONGARCH"},
};

std::string name_of(uint16_t machine) {
  const std::string number = std::to_string(machine);
  for (const NamedMachine& one : kMachines)
    if (one.machine == machine) return one.name + (" (" + number + ")");
  return number;
}

}  // namespace

std::string why_no_guest(const Elf64_Ehdr& header) {
  const bool x86_64 = header.e_machine == EM_X86_64, aarch64 = header.e_machine == EM_AARCH64;
  if (header.e_type == ET_CORE)
    return "a core file (ET_CORE), not a program: " +
           std::string(aarch64 ? "mtedbg core reads it" : "a debugger of its machine reads it");
  if (!x86_64)
    return "wrong machine " + name_of(header.e_machine) + ": guests are x86-64 (62)" +
           (aarch64 ? "; an AArch64 program runs by itself" : "");
  if (header.e_type == ET_REL)
    return "an object file (ET_REL), not a program: link it, or load it into its kernel";
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
    return "wrong type " + std::to_string(header.e_type) +
           ": programs are of ET_EXEC (2) or ET_DYN (3)";
  return "";
}

}  // namespace mtetso
