/* A JIT without a debug root: makes COUNT functions of 32 bytes, the first 16 of them named, and
 * tells others of them. Usage: jit_objects COUNT WAYS [crash]; WAYS has "i" for GDB's JIT interface
 * (an ELF object for each function) and "p" for perf's map; with both, half of them each. Prints
 * where its code begins, then calls the first function, which stops at a breakpoint instruction or,
 * with "crash", at an undefined one.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STRIDE 32
#define NAMED 16
#define BRK 0xd4200000u
#define UDF 0x00000000u
#define RET 0xd65f03c0u

struct jit_code_entry {
  struct jit_code_entry *next_entry, *prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};

struct jit_descriptor {
  uint32_t version, action_flag;
  struct jit_code_entry *relevant_entry, *first_entry;
};

struct jit_descriptor __jit_debug_descriptor = {1, 0, NULL, NULL};

__attribute__((noinline)) void __jit_debug_register_code(void) { __asm__ volatile(""); }

struct object {
  Elf64_Ehdr header;
  Elf64_Shdr sections[4];
  Elf64_Sym symbols[2];
  char strings[48];
};

static const char names[] = "\0.text\0.symtab\0.strtab";

static struct object* object(uint64_t code, int number) {
  struct object* one = calloc(1, sizeof *one);
  memcpy(one->header.e_ident,
         "\x7f"
         "ELF\x02\x01\x01",
         7);
  one->header.e_type = ET_REL;
  one->header.e_machine = EM_AARCH64;
  one->header.e_version = 1;
  one->header.e_shoff = offsetof(struct object, sections);
  one->header.e_ehsize = sizeof one->header;
  one->header.e_shentsize = sizeof *one->sections;
  one->header.e_shnum = 4;
  one->header.e_shstrndx = 3;
  memcpy(one->strings, names, sizeof names);
  int at = sizeof names;
  snprintf(one->strings + at, sizeof one->strings - at, "jitted_%d", number);
  one->sections[1] = (Elf64_Shdr){.sh_name = 1,
                                  .sh_type = SHT_NOBITS,
                                  .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                  .sh_addr = code,
                                  .sh_size = STRIDE,
                                  .sh_addralign = 4};
  one->sections[2] = (Elf64_Shdr){.sh_name = 7,
                                  .sh_type = SHT_SYMTAB,
                                  .sh_offset = offsetof(struct object, symbols),
                                  .sh_size = sizeof one->symbols,
                                  .sh_link = 3,
                                  .sh_info = 1,
                                  .sh_addralign = 8,
                                  .sh_entsize = sizeof *one->symbols};
  one->sections[3] = (Elf64_Shdr){.sh_name = 15,
                                  .sh_type = SHT_STRTAB,
                                  .sh_offset = offsetof(struct object, strings),
                                  .sh_size = sizeof one->strings,
                                  .sh_addralign = 1};
  one->symbols[1] = (Elf64_Sym){.st_name = (Elf64_Word)at,
                                .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                .st_shndx = 1,
                                .st_size = NAMED};
  return one;
}

static void announce(uint64_t code, int number) {
  struct jit_code_entry* entry = calloc(1, sizeof *entry);
  entry->symfile_addr = (const char*)object(code, number);
  entry->symfile_size = sizeof(struct object);
  entry->next_entry = __jit_debug_descriptor.first_entry;
  if (entry->next_entry) entry->next_entry->prev_entry = entry;
  __jit_debug_descriptor.first_entry = entry;
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_descriptor.action_flag = 1;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = 0;
}

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  int count = atoi(argv[1]);
  size_t size = (size_t)count * STRIDE;
  uint32_t* code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return perror("mmap"), 1;
  for (int n = 0; n < count; ++n) code[n * STRIDE / 4] = RET;
  code[0] = argc > 3 ? UDF : BRK;
  if (mprotect(code, size, PROT_READ | PROT_EXEC)) return perror("mprotect"), 1;
  __builtin___clear_cache((char*)code, (char*)code + size);
  int interface = strchr(argv[2], 'i') != NULL, map = strchr(argv[2], 'p') != NULL;
  int first_mapped = interface ? count / 2 : 0, announced = map ? count / 2 : count;
  for (int n = 0; interface && n < announced; ++n)
    announce((uintptr_t)code + (uint64_t)n * STRIDE, n);
  if (map) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    FILE* file = fopen(path, "w");
    if (!file) return perror(path), 1;
    for (int n = first_mapped; n < count; ++n)
      fprintf(file, "%llx %x mapped_%d(int, char)\n",
              (unsigned long long)(uintptr_t)code + (unsigned long long)n * STRIDE, NAMED, n);
    fclose(file);
  }
  printf("code %llx\n", (unsigned long long)(uintptr_t)code);
  fflush(stdout);
  ((void (*)(void))code)();
  return 0;
}
