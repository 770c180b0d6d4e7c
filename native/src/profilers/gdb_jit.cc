// SPDX-License-Identifier: MIT
#include <elf.h>

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "code/listener.h"
#include "profilers/profilers.h"
#include "profilers/range_name.h"

// GDB's manual, "JIT Compilation Interface": GDB stops at the function and reads the descriptor.
extern "C" {
enum { JIT_NOACTION, JIT_REGISTER_FN, JIT_UNREGISTER_FN };

struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};

struct jit_descriptor {
  uint32_t version;
  uint32_t action_flag;
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};

__attribute__((used, retain, visibility("default")))
jit_descriptor __jit_debug_descriptor = {1, JIT_NOACTION, nullptr, nullptr};

__attribute__((noinline, used, retain, visibility("default"))) void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

namespace mtetso {
namespace {

struct Object {
  std::vector<char> bytes;
  jit_code_entry entry{};
};

enum Section : uint16_t { kNone, kText, kSymbols, kStrings, kCount };

// A relocatable object whose only code section is where the code is, without bytes.
std::vector<char> object_of(const CodeBlock& block, std::string_view program) {
  static constexpr char kNames[] = "\0.text\0.symtab\0.strtab";
  std::string strings(kNames, sizeof kNames);
  std::vector<Elf64_Sym> symbols(1);
  for (const mtedbg_Range& range : block.ranges) {
    Elf64_Sym& symbol = symbols.emplace_back();
    symbol.st_name = static_cast<Elf64_Word>(strings.size());
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = kText;
    symbol.st_value = range.begin;
    symbol.st_size = range.end - range.begin;
    strings += range_name(block, range, program);
    strings += '\0';
  }
  const size_t symbols_size = symbols.size() * sizeof(Elf64_Sym);
  struct {
    Elf64_Ehdr header{};
    Elf64_Shdr sections[kCount] = {};
  } head;
  Elf64_Ehdr& header = head.header;
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_shoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kCount;
  header.e_shstrndx = kStrings;
  Elf64_Shdr& text = head.sections[kText];
  text.sh_name = 1;
  text.sh_type = SHT_NOBITS;
  text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  text.sh_addr = block.base();
  text.sh_size = block.record.length;
  text.sh_addralign = CodeSegment::kAlignment;
  Elf64_Shdr& table = head.sections[kSymbols];
  table.sh_name = 7;
  table.sh_type = SHT_SYMTAB;
  table.sh_offset = sizeof head;
  table.sh_size = symbols_size;
  table.sh_link = kStrings;
  table.sh_info = 1;  // the first global one
  table.sh_entsize = sizeof(Elf64_Sym);
  table.sh_addralign = alignof(Elf64_Sym);
  Elf64_Shdr& names = head.sections[kStrings];
  names.sh_name = 15;
  names.sh_type = SHT_STRTAB;
  names.sh_offset = sizeof head + symbols_size;
  names.sh_size = strings.size();
  names.sh_addralign = 1;
  std::vector<char> bytes(sizeof head + symbols_size + strings.size());
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, symbols.data(), symbols_size);
  std::memcpy(bytes.data() + sizeof head + symbols_size, strings.data(), strings.size());
  return bytes;
}

class GdbJit : public CodeListener {
 public:
  void added(const CodeBlock& block, std::string_view program) override {
    auto object = std::make_unique<Object>();
    object->bytes = object_of(block, program);
    jit_code_entry& entry = object->entry;
    entry.symfile_addr = object->bytes.data();
    entry.symfile_size = object->bytes.size();
    entry.next_entry = __jit_debug_descriptor.first_entry;
    if (entry.next_entry != nullptr) entry.next_entry->prev_entry = &entry;
    __jit_debug_descriptor.first_entry = &entry;
    tell(JIT_REGISTER_FN, entry);
    objects_[block.record.id] = std::move(object);
  }

  void removed(const CodeBlock& block) override {
    const auto at = objects_.find(block.record.id);
    if (at == objects_.end()) return;
    jit_code_entry& entry = at->second->entry;
    (entry.prev_entry == nullptr ? __jit_debug_descriptor.first_entry
                                 : entry.prev_entry->next_entry) = entry.next_entry;
    if (entry.next_entry != nullptr) entry.next_entry->prev_entry = entry.prev_entry;
    tell(JIT_UNREGISTER_FN, entry);
    objects_.erase(at);
  }

 private:
  static void tell(uint32_t action, jit_code_entry& entry) {
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_descriptor.relevant_entry = &entry;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = JIT_NOACTION;
    __jit_debug_descriptor.relevant_entry = nullptr;
  }

  std::map<uint64_t, std::unique_ptr<Object>> objects_;  // by the block's id
};

}  // namespace

void start_gdb_jit() { add_code_listener(std::make_unique<GdbJit>()); }

}  // namespace mtetso
