// SPDX-License-Identifier: MIT

#include "linux/loader.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "guest/elf_names.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr uint64_t kPage = GuestMemory::kGuestPage;
// As the kernel without randomisation: at two thirds of the address space.
constexpr uint64_t kPieBase = GuestMemory::kTop / 3 * 2 & ~uint64_t{0xffff};
constexpr uint64_t kStackTop = GuestMemory::kTop - kPage;
constexpr uint64_t kStackGap = 1 << 20;                        // mm/mmap.c: stack_guard_gap
constexpr uint64_t kMostHeaders = 65536 / sizeof(Elf64_Phdr);  // ELF_MIN_ALIGN on the biggest page
// CPUID 1, EDX, as translate/helpers.cc answers it: what x86-64-v1 has.
constexpr uint64_t kHardware = 0x0788'8111;

uint64_t page_down(uint64_t value) { return value & ~(kPage - 1); }
uint64_t page_up(uint64_t value) { return page_down(value + kPage - 1); }

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : number(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number < 0)
      throw StatusError(Status::CannotOpen, "cannot open " + path + ": " + std::strerror(errno));
  }
  ~Descriptor() { close(number); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int number;
};

// An ELF file that is to be mapped.
class Binary {
 public:
  explicit Binary(const std::string& path);

  const std::string path;
  const Descriptor file;
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;  // PT_LOAD, in the file's order
  std::vector<Elf64_Phdr> all;
  std::string interpreter;  // empty: none

  uint64_t low() const { return page_down(segments.front().p_vaddr); }
  uint64_t high() const {
    uint64_t end = 0;
    for (const auto& one : segments) end = std::max(end, one.p_vaddr + one.p_memsz);
    return page_up(end);
  }
  bool movable() const { return header.e_type == ET_DYN; }

  [[noreturn]] void malformed(const std::string& what) const {
    throw StatusError(Status::Malformed, path + ": malformed ELF: " + what);
  }

 private:
  void read(uint64_t offset, void* out, size_t length, const char* what) const;
  void check_header() const;
  void add(const Elf64_Phdr& entry);
  void read_interpreter(const Elf64_Phdr& entry);

  uint64_t size_ = 0;
};

Binary::Binary(const std::string& from) : path(from), file(from) {
  struct stat about = {};
  if (fstat(file.number, &about) != 0 || !S_ISREG(about.st_mode))
    throw StatusError(Status::CannotOpen, "cannot read " + path + ": not a regular file");
  size_ = static_cast<uint64_t>(about.st_size);
  const auto got = pread(file.number, &header, sizeof header, 0);
  if (got < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    throw StatusError(Status::Malformed, path + ": not an ELF file, nor a script");
  if (got != sizeof header) malformed("truncated: the file header goes beyond the end of the file");
  check_header();
  all.resize(header.e_phnum);
  read(header.e_phoff, all.data(), all.size() * sizeof(Elf64_Phdr), "program headers");
  for (const auto& entry : all) add(entry);
  if (segments.empty()) malformed("nothing to load");
  if (low() > GuestMemory::kTop || high() > GuestMemory::kTop || high() <= low())
    malformed("a segment is at an impossible address or too large");
}

void Binary::read(uint64_t offset, void* out, size_t length, const char* what) const {
  if (offset > size_ || length > size_ - offset ||
      pread(file.number, out, length, static_cast<off_t>(offset)) != static_cast<ssize_t>(length))
    malformed(std::string("truncated: ") + what + " go beyond the end of the file");
}

void Binary::check_header() const {
  const auto wrong = [&](const std::string& what) {
    throw StatusError(Status::WrongTarget, path + ": " + what);
  };
  if (header.e_ident[EI_CLASS] != ELFCLASS64) {
    const char* what = header.e_machine == EM_386      ? "an i386 program, "
                       : header.e_machine == EM_X86_64 ? "an x32 program, "
                                                       : "";
    wrong(std::string(what) + "not a 64-bit ELF: guests are x86-64");
  }
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) wrong("not a little-endian ELF: guests are x86-64");
  if (const std::string why = why_no_guest(header); !why.empty()) wrong(why);
  if (header.e_phentsize != sizeof(Elf64_Phdr)) malformed("program headers of an unexpected size");
  if (header.e_phnum == 0 || header.e_phnum > kMostHeaders)
    malformed("an impossible number of program headers");
}

void Binary::add(const Elf64_Phdr& entry) {
  if (entry.p_type == PT_INTERP && interpreter.empty()) read_interpreter(entry);
  if (entry.p_type != PT_LOAD || entry.p_memsz == 0) return;
  if (entry.p_filesz > entry.p_memsz)
    malformed("a segment has more bytes in the file than in memory");
  if (entry.p_offset > size_ || entry.p_filesz > size_ - entry.p_offset)
    malformed("truncated: a segment goes beyond the end of the file");
  if (entry.p_vaddr >= GuestMemory::kTop || entry.p_memsz > GuestMemory::kTop)
    malformed("a segment is at an impossible address or too large");
  if (entry.p_filesz != 0 && (entry.p_offset - entry.p_vaddr) % kPage != 0)
    malformed("a segment's offset and address differ within a page");
  if (!segments.empty() && entry.p_vaddr < segments.back().p_vaddr + segments.back().p_memsz)
    malformed("segments overlap, or are not in the order of their addresses");
  segments.push_back(entry);
}

void Binary::read_interpreter(const Elf64_Phdr& entry) {
  if (entry.p_filesz < 2 || entry.p_filesz > 4096) malformed("an interpreter's name of no length");
  interpreter.resize(entry.p_filesz);
  read(entry.p_offset, interpreter.data(), interpreter.size(), "the interpreter's name");
  if (interpreter.back() != 0) malformed("the interpreter's name is not terminated");
  interpreter.resize(std::strlen(interpreter.c_str()));
}

class Loader {
 public:
  Loader(const LoadRequest& request, GuestMemory& memory, const CodeMapped& code_mapped)
      : request_(request), memory_(memory), code_mapped_(code_mapped) {}

  LoadedProgram load();

 private:
  // Returns what is added to the file's addresses.
  uint64_t map(const Binary& binary, uint64_t base);
  void map_segment(const Binary& binary, const Elf64_Phdr& segment, uint64_t bias);
  void must(int result, const Binary& binary, uint64_t address) const;
  std::vector<uint8_t> stack(const Binary& program, uint64_t bias, uint64_t base,
                             LoadedProgram& loaded);

  const LoadRequest& request_;
  GuestMemory& memory_;
  const CodeMapped& code_mapped_;
};

void Loader::must(int result, const Binary& binary, uint64_t address) const {
  if (result == 0) return;
  char text[64];
  std::snprintf(text, sizeof text, " at 0x%llx: ", static_cast<unsigned long long>(address));
  const char* why =
      result == -EEXIST ? "the runtime or the kernel has something there" : std::strerror(-result);
  throw StatusError(Status::Internal, binary.path + ": cannot map it" + text + why);
}

void Loader::map_segment(const Binary& binary, const Elf64_Phdr& segment, uint64_t bias) {
  const uint64_t begin = page_down(segment.p_vaddr + bias);
  const uint64_t file_end = segment.p_vaddr + bias + segment.p_filesz;
  const uint64_t end = page_up(segment.p_vaddr + bias + segment.p_memsz);
  const uint64_t mapped = page_up(file_end);
  const int protection = ((segment.p_flags & PF_R) != 0 ? PROT_READ : 0) |
                         ((segment.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
                         ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
  const uint64_t offset = segment.p_offset - (segment.p_vaddr + bias - begin);
  if (segment.p_filesz != 0) {
    must(memory_.map_private_file(begin, mapped - begin, protection, binary.file.number, offset,
                                  request_.tag),
         binary, begin);
    if ((protection & PROT_EXEC) != 0)
      code_mapped_(binary.path, binary.file.number, offset, mapped - begin, begin);
    // The rest of the last page is zero where it can be written, as the kernel has it.
    const std::vector<uint8_t> zeros(mapped - file_end);
    if (segment.p_memsz > segment.p_filesz && (protection & PROT_WRITE) != 0)
      memory_.host_write(nullptr, file_end, zeros.data(), zeros.size());
  }
  const uint64_t from = segment.p_filesz != 0 ? mapped : begin;
  if (end > from) must(memory_.map_anonymous(from, end - from, protection), binary, from);
}

uint64_t Loader::map(const Binary& binary, uint64_t base) {
  const uint64_t bias = binary.movable() ? base - binary.low() : 0;
  if (binary.low() + bias < GuestMemory::kLowest || binary.high() + bias > GuestMemory::kTop ||
      !memory_.is_free(binary.low() + bias, binary.high() - binary.low()))
    binary.malformed("a segment is at an impossible address");
  for (const auto& segment : binary.segments) map_segment(binary, segment, bias);
  return bias;
}

// From rsp upwards: argc, argv, envp, auxiliary vector, then what they point to.
std::vector<uint8_t> Loader::stack(const Binary& program, uint64_t bias, uint64_t base,
                                   LoadedProgram& loaded) {
  std::string text;
  const auto keep = [&](const std::string& one) {
    text.append(one.c_str(), one.size() + 1);
    return text.size() - one.size() - 1;
  };
  std::vector<size_t> arguments, environment;
  const size_t random = text.size();
  for (int i = 0; i < 16; ++i) text += static_cast<char>(0x35 + 11 * i);  // the same in every run
  const size_t platform = keep("x86_64");
  const size_t arguments_low = text.size();
  for (const auto& one : request_.arguments) arguments.push_back(keep(one));
  const size_t environment_low = text.size();
  for (const auto& one : request_.environment) environment.push_back(keep(one));
  const size_t name = keep(request_.name);
  if (text.size() > request_.stack_size / 4)
    throw StatusError(Status::Usage, "the program's arguments and environment are too long");
  const uint64_t text_at = (kStackTop - text.size() - 8) & ~uint64_t{15};
  loaded.arguments_low = text_at + arguments_low;
  loaded.environment_low = text_at + environment_low;
  loaded.environment_high = text_at + name;
  uint64_t headers = 0;
  for (const auto& one : program.segments)
    if (program.header.e_phoff >= one.p_offset &&
        program.header.e_phoff < one.p_offset + one.p_filesz)
      headers = program.header.e_phoff - one.p_offset + one.p_vaddr + bias;
  const std::vector<std::pair<uint64_t, uint64_t>> vector{
      {AT_HWCAP, kHardware},
      {AT_PAGESZ, kPage},
      {AT_CLKTCK, 100},
      {AT_PHDR, headers},
      {AT_PHENT, sizeof(Elf64_Phdr)},
      {AT_PHNUM, program.header.e_phnum},
      {AT_BASE, base},
      {AT_FLAGS, 0},
      {AT_ENTRY, program.header.e_entry + bias},
      {AT_UID, getuid()},
      {AT_EUID, geteuid()},
      {AT_GID, getgid()},
      {AT_EGID, getegid()},
      {AT_SECURE, 0},
      {AT_RANDOM, text_at + random},
      {AT_HWCAP2, 0},
      {AT_EXECFN, text_at + name},
      {AT_PLATFORM, text_at + platform},
      {AT_NULL, 0},
  };
  std::vector<uint64_t> words{arguments.size()};
  for (const size_t one : arguments) words.push_back(text_at + one);
  words.push_back(0);
  for (const size_t one : environment) words.push_back(text_at + one);
  words.push_back(0);
  for (const auto& [type, value] : vector)
    loaded.auxiliary.insert(loaded.auxiliary.end(), {type, value});
  words.insert(words.end(), loaded.auxiliary.begin(), loaded.auxiliary.end());
  const uint64_t rsp = loaded.stack = (text_at - 8 * words.size()) & ~uint64_t{15};
  std::vector<uint8_t> bytes(kStackTop - rsp);
  std::memcpy(bytes.data(), words.data(), 8 * words.size());
  std::memcpy(bytes.data() + (text_at - rsp), text.data(), text.size());
  return bytes;
}

LoadedProgram Loader::load() {
  const Binary program(request_.path);
  const uint64_t alignment = std::max<uint64_t>(kPage, 0x10000);
  const uint64_t bias = map(program, kPieBase & ~(alignment - 1));
  LoadedProgram loaded;
  // Before the interpreter, which is put where nothing is.
  loaded.stack_high = kStackTop;
  loaded.stack_low = kStackTop - request_.stack_size;
  must(memory_.map_anonymous(loaded.stack_low, request_.stack_size, PROT_READ | PROT_WRITE),
       program, loaded.stack_low);
  memory_.map_below(loaded.stack_low - kStackGap);
  loaded.entry = program.header.e_entry + bias;
  loaded.break_begin = program.high() + bias;
  for (const auto& one : program.segments) {
    const bool code = (one.p_flags & PF_X) != 0;
    if (!code && (one.p_flags & PF_W) == 0) continue;
    uint64_t& low = code ? loaded.code_low : loaded.data_low;
    uint64_t& high = code ? loaded.code_high : loaded.data_high;
    const uint64_t begin = one.p_vaddr + bias;
    low = low == 0 ? begin : std::min(low, begin);
    high = std::max(high, begin + one.p_filesz);
  }
  uint64_t base = 0;
  if (!program.interpreter.empty()) {
    const std::string path = request_.sysroot + program.interpreter;
    if (access(path.c_str(), F_OK) != 0)
      throw StatusError(Status::CannotOpen,
                        "cannot open " + path + ", the interpreter of " + program.path + ": " +
                            std::strerror(errno) +
                            "; --sysroot DIR says where programs and libraries for x86-64 are");
    const Binary interpreter(path);
    const uint64_t size = interpreter.high() - interpreter.low();
    base = map(interpreter, memory_.find_room(size, 0));
    loaded.entry = interpreter.header.e_entry + base;
  }
  const auto bytes = stack(program, bias, base, loaded);
  memory_.host_write(nullptr, loaded.stack, bytes.data(), bytes.size());
  return loaded;
}

}  // namespace

LoadedProgram load_program(const LoadRequest& request, GuestMemory& memory,
                           const CodeMapped& code_mapped) {
  if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPage))
    throw StatusError(Status::Internal, "Linux programs need a kernel with pages of 4 KiB");
  return Loader(request, memory, code_mapped).load();
}

}  // namespace mtetso
