// SPDX-License-Identifier: MIT

#include "guest/elf_image.h"

#include <elf.h>
#include <fcntl.h>
#include <mtedbg/debug_root.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "guest/elf_names.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr size_t kMaxFile = 256u << 20;       // a guest is a small static program
constexpr uint64_t kMaxAddress = 1ull << 46;  // below any AArch64 user space of 48 bits
constexpr uint64_t kLowestAddress = 0x10000;  // vm.mmap_min_addr
constexpr uint64_t kMaxMemory = 1ull << 32;   // image in memory
constexpr uint64_t kMaxFunctions = 1u << 16;
constexpr uint64_t kMaxName = 255;
constexpr size_t kMaxBuildId = 64;

[[noreturn]] void malformed(const std::string& what) {
  throw StatusError(Status::Malformed, "malformed ELF: " + what);
}

std::string hexadecimal(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) text.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return text;
}

[[noreturn]] void wrong(const std::string& what) { throw StatusError(Status::WrongTarget, what); }

}  // namespace

std::span<const uint8_t> ElfImage::slice(uint64_t offset, uint64_t size, const char* what) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset)
    malformed(std::string("truncated: ") + what + " goes beyond the end of the file");
  return {bytes_.data() + offset, size};
}

template <typename T>
T ElfImage::read(uint64_t offset, const char* what) const {
  T value;
  std::memcpy(&value, slice(offset, sizeof value, what).data(), sizeof value);
  return value;
}

ElfImage ElfImage::open(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    throw StatusError(Status::CannotOpen, "cannot open " + path + ": " + std::strerror(errno));
  auto size = file.tellg();
  if (size < 0 || static_cast<uint64_t>(size) > kMaxFile)
    throw StatusError(Status::CannotOpen,
                      "cannot read " + path + ": not a regular file, or too large");
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  file.seekg(0);
  if (!bytes.empty() && !file.read(reinterpret_cast<char*>(bytes.data()), size))
    throw StatusError(Status::CannotOpen, "cannot read " + path + ": " + std::strerror(errno));
  return parse(std::move(bytes));
}

ElfImage ElfImage::parse(std::vector<uint8_t> bytes) {
  ElfImage image = owning(std::move(bytes));
  image.read_header();
  image.read_segments();
  image.read_functions(SHT_SYMTAB, 0);
  for (const ElfSegment& segment : image.segments_)
    if ((segment.flags & PF_X) != 0) image.add_to_digest(segment.address, segment.file);
  return image;
}

ElfImage ElfImage::owning(std::vector<uint8_t> bytes) {
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  return {owner, *owner};
}

ElfImage ElfImage::of_bytes(std::vector<uint8_t> bytes, uint64_t address) {
  ElfImage image = owning(std::move(bytes));
  image.on_demand_ = true;
  image.segments_ = {{address, image.bytes_.size(), PF_R | PF_X, image.bytes_}};
  image.add_to_digest(address, image.bytes_);
  return image;
}

ElfImage ElfImage::of_memory(uint64_t address, uint64_t length) {
  ElfImage image = owning({});
  image.on_demand_ = true;
  image.segments_ = {{address, length, PF_R | PF_W | PF_X, {}}};
  return image;
}

ElfImage ElfImage::mapping(int descriptor) {
  struct stat about = {};
  void* bytes = MAP_FAILED;
  if (fstat(descriptor, &about) == 0)
    bytes =
        mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED)
    throw StatusError(Status::CannotOpen, std::string("cannot map code: ") + std::strerror(errno));
  const auto size = static_cast<size_t>(about.st_size);
  const std::shared_ptr<const void> owner(
      bytes, [size](const void* all) { munmap(const_cast<void*>(all), size); });
  return {owner, {static_cast<const uint8_t*>(bytes), size}};
}

// Notes are all that is read: other files are not for this runtime to judge.
bool ElfImage::imports_host(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  bool found = false;
  try {
    ElfImage image = mapping(descriptor);
    for (const Elf64_Phdr& entry : image.program_headers())
      if (entry.p_type == PT_NOTE) image.read_imports(entry.p_offset, entry.p_filesz);
    found = !image.imports_.empty();
  } catch (const StatusError&) {
    found = false;
  }
  close(descriptor);
  return found;
}

ElfImage ElfImage::of_mapping(int descriptor, uint64_t offset, uint64_t length, uint64_t address) {
  ElfImage image = mapping(descriptor);
  image.on_demand_ = true;
  const uint64_t size = image.bytes_.size();
  const uint64_t end = std::min<uint64_t>(size, offset + length);
  image.segments_ = {{address, length, PF_R | PF_X,
                      image.bytes_.subspan(std::min<uint64_t>(offset, end),
                                           end - std::min<uint64_t>(offset, end))}};
  // What is damaged tells nothing.
  try {
    image.read_mapped(offset, address);
  } catch (const StatusError&) {
    image.load_bias_ = address - offset;
    image.digest_ = 0;
    image.build_id_.clear();
    image.add_to_digest(offset, image.segments_.front().file);
    return image;
  }
  try {
    image.read_functions(SHT_SYMTAB, image.load_bias_);
    if (image.functions_.empty()) image.read_functions(SHT_DYNSYM, image.load_bias_);
  } catch (const StatusError&) {
    image.functions_.clear();
  }
  return image;
}

ElfImage ElfImage::part(uint64_t begin, uint64_t end) const {
  ElfImage image(owner_, bytes_);
  image.load_bias_ = load_bias_;
  image.digest_ = digest_;
  image.on_demand_ = on_demand_;
  image.functions_ = functions_;
  image.build_id_ = build_id_;
  const ElfSegment& whole = segments_.front();
  const size_t from = std::min<size_t>(begin - whole.address, whole.file.size());
  const size_t size = std::min<size_t>(end - begin, whole.file.size() - from);
  image.segments_ = {{begin, end - begin, whole.flags, whole.file.subspan(from, size)}};
  return image;
}

void ElfImage::read_mapped(uint64_t offset, uint64_t address) {
  const std::vector<Elf64_Phdr> headers = program_headers();
  // A page of the file may have the end of one segment and the beginning of the next, at addresses
  // that differ by more (lld links so): what is mapped to execute it is a segment of code first.
  const auto segment_of = [&](uint32_t flags) {
    return std::find_if(headers.begin(), headers.end(), [&](const Elf64_Phdr& entry) {
      return entry.p_type == PT_LOAD && (entry.p_flags & flags) == flags &&
             offset >= (entry.p_offset & ~uint64_t{4095}) &&
             offset < entry.p_offset + entry.p_filesz;
    });
  };
  auto mapped = segment_of(PF_X);
  if (mapped == headers.end()) mapped = segment_of(0);
  if (mapped == headers.end()) malformed("no segment has the code that is mapped");
  load_bias_ = address - offset + mapped->p_offset - mapped->p_vaddr;
  for (const Elf64_Phdr& entry : headers) {
    if (entry.p_type == PT_LOAD && (entry.p_flags & PF_X) != 0)
      add_to_digest(entry.p_vaddr, slice(entry.p_offset, entry.p_filesz, "a segment"));
    if (entry.p_type == PT_NOTE) read_build_id(entry.p_offset, entry.p_filesz);
  }
}

std::vector<Elf64_Phdr> ElfImage::program_headers() const {
  const auto header = read<Elf64_Ehdr>(0, "the file header");
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) malformed("no file header");
  if (header.e_phnum == 0) malformed("no program headers");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) malformed("program headers of an unexpected size");
  std::vector<Elf64_Phdr> all(header.e_phnum);
  const auto bytes = slice(header.e_phoff, all.size() * sizeof(Elf64_Phdr), "program headers");
  std::memcpy(all.data(), bytes.data(), bytes.size());
  return all;
}

void ElfImage::add_to_digest(uint64_t address, std::span<const uint8_t> code) {
  if (code.empty()) return;
  const auto sum = mtedbg_crc32_more(static_cast<uint32_t>(digest_), &address, sizeof address);
  const uint64_t length = (digest_ >> 32) + sizeof address + code.size();
  digest_ = length << 32 | mtedbg_crc32_more(sum, code.data(), code.size());
}

void ElfImage::read_header() {
  if (bytes_.size() < SELFMAG || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0)
    throw StatusError(Status::Malformed, "not an ELF file");
  if (bytes_.size() < EI_NIDENT) malformed("truncated: no identification");
  if (bytes_[EI_CLASS] != ELFCLASS64) wrong("not a 64-bit ELF: guests are x86-64");
  if (bytes_[EI_DATA] != ELFDATA2LSB) wrong("not a little-endian ELF: guests are x86-64");
  auto header = read<Elf64_Ehdr>(0, "the file header");
  if (const std::string why = why_no_guest(header); !why.empty()) wrong(why);
  if (header.e_type != ET_EXEC)
    wrong(
        "a position-independent program (ET_DYN) that imports host functions: such guests are "
        "static executables at fixed addresses (link with -static -no-pie)");
  entry_ = header.e_entry;
}

void ElfImage::read_segments() {
  uint64_t total = 0;
  for (const Elf64_Phdr& entry : program_headers()) {
    if (entry.p_type == PT_INTERP || entry.p_type == PT_DYNAMIC)
      wrong("dynamically linked: guests are static executables");
    if (entry.p_type == PT_TLS)
      read_tls(entry.p_offset, entry.p_filesz, entry.p_memsz, entry.p_align);
    if (entry.p_type == PT_NOTE) read_imports(entry.p_offset, entry.p_filesz);
    if (entry.p_type == PT_NOTE) read_build_id(entry.p_offset, entry.p_filesz);
    if (entry.p_type != PT_LOAD || entry.p_memsz == 0) continue;
    if (entry.p_filesz > entry.p_memsz)
      malformed("a segment has more bytes in the file than in memory");
    if (entry.p_vaddr < kLowestAddress || entry.p_vaddr > kMaxAddress || entry.p_memsz > kMaxMemory)
      malformed("a segment is at an impossible address or too large");
    total += entry.p_memsz;
    if (total > kMaxMemory) malformed("the image is too large");
    segments_.push_back({entry.p_vaddr, entry.p_memsz, entry.p_flags,
                         slice(entry.p_offset, entry.p_filesz, "a segment")});
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const auto& a, const auto& b) { return a.address < b.address; });
  for (size_t i = 1; i < segments_.size(); ++i)
    if (segments_[i].address - segments_[i - 1].address < segments_[i - 1].memory_size)
      malformed("segments overlap");
  if (code_at(entry_).empty()) malformed("the entry point is not in executable memory");
}

void ElfImage::read_tls(uint64_t offset, uint64_t file_size, uint64_t memory_size,
                        uint64_t alignment) {
  if (file_size > memory_size)
    malformed("thread-local storage has more bytes in the file than in memory");
  if (memory_size > kMaxTls) malformed("thread-local storage is too large");
  alignment = std::max<uint64_t>(alignment, 1);
  if ((alignment & (alignment - 1)) != 0 || alignment > kMaxTlsAlignment)
    malformed("thread-local storage has an impossible alignment");
  tls_ = {memory_size, alignment, slice(offset, file_size, "thread-local storage")};
}

template <typename Visit>
void ElfImage::each_note(uint64_t offset, uint64_t size, Visit visit) const {
  auto notes = slice(offset, size, "a note segment");
  size_t at = 0;
  while (notes.size() - at >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data() + at, sizeof note);
    at += sizeof note;
    uint64_t name_size = (uint64_t{note.n_namesz} + 3) & ~3ull;
    uint64_t desc_size = (uint64_t{note.n_descsz} + 3) & ~3ull;
    if (name_size > notes.size() - at || desc_size > notes.size() - at - name_size)
      malformed("a note goes beyond its segment");
    const auto* name = reinterpret_cast<const char*>(notes.data() + at);
    visit(std::string_view(name, note.n_namesz), note.n_type,
          notes.subspan(at + name_size, note.n_descsz));
    at += name_size + desc_size;
  }
}

void ElfImage::read_build_id(uint64_t offset, uint64_t size) {
  each_note(offset, size, [this](std::string_view name, uint32_t type, const auto& contents) {
    if (name == std::string_view("GNU", sizeof "GNU") && type == NT_GNU_BUILD_ID &&
        contents.size() <= kMaxBuildId)
      build_id_ = hexadecimal(contents);
  });
}

void ElfImage::read_imports(uint64_t offset, uint64_t size) {
  each_note(offset, size, [this](std::string_view name, uint32_t type, auto contents) {
    if (name != std::string_view("mtetso", sizeof "mtetso") || type != kImportNote) return;
    while (contents.size() > sizeof(uint64_t)) {
      ElfImport import;
      std::memcpy(&import.address, contents.data(), sizeof import.address);
      contents = contents.subspan(sizeof import.address);
      auto end = std::find(contents.begin(), contents.end(), 0);
      if (end == contents.end() || end - contents.begin() > static_cast<ptrdiff_t>(kMaxName))
        malformed("an import's name is not terminated");
      import.name.assign(contents.begin(), end);
      contents = contents.subspan(static_cast<size_t>(end - contents.begin()) + 1);
      if (import.address != 0) imports_.push_back(std::move(import));
    }
  });
}

std::string_view ElfImage::string_at(uint64_t table, uint64_t table_size, uint64_t index) const {
  if (index >= table_size) return {};
  auto bytes = slice(table + index, std::min(table_size - index, kMaxName), "a string table");
  auto end = std::find(bytes.begin(), bytes.end(), 0);
  return {reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(end - bytes.begin())};
}

// Section headers are optional: a guest without them (or without symbols) still runs.
void ElfImage::read_functions(uint32_t table, uint64_t bias) {
  auto header = read<Elf64_Ehdr>(0, "the file header");
  if (header.e_shoff == 0 || header.e_shnum == 0) return;
  if (header.e_shentsize != sizeof(Elf64_Shdr)) malformed("section headers of an unexpected size");
  slice(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), "section headers");
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    auto section = read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr), "a section header");
    if (section.sh_type != table) continue;
    slice(section.sh_offset, section.sh_size, "the symbol table");
    if (section.sh_link >= header.e_shnum) malformed("the symbol table has no string table");
    auto strings =
        read<Elf64_Shdr>(header.e_shoff + section.sh_link * sizeof(Elf64_Shdr), "a section header");
    slice(strings.sh_offset, strings.sh_size, "the string table");
    uint64_t count = section.sh_size / sizeof(Elf64_Sym);
    for (uint64_t n = 0; n < count && functions_.size() < kMaxFunctions; ++n) {
      auto symbol = read<Elf64_Sym>(section.sh_offset + n * sizeof(Elf64_Sym), "a symbol");
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
      if (code_at(symbol.st_value + bias).empty()) continue;
      functions_.push_back(
          {symbol.st_value + bias, symbol.st_size,
           std::string(string_at(strings.sh_offset, strings.sh_size, symbol.st_name))});
    }
  }
  finish_functions();
}

// Sorts, drops aliases, and bounds each function by the next one and by its segment.
void ElfImage::finish_functions() {
  std::stable_sort(functions_.begin(), functions_.end(),
                   [](const auto& a, const auto& b) { return a.address < b.address; });
  functions_.erase(std::unique(functions_.begin(), functions_.end(),
                               [](const auto& a, const auto& b) { return a.address == b.address; }),
                   functions_.end());
  for (size_t i = 0; i < functions_.size(); ++i) {
    auto& function = functions_[i];
    uint64_t limit = code_at(function.address).size();
    if (i + 1 < functions_.size())
      limit = std::min(limit, functions_[i + 1].address - function.address);
    if (function.size == 0 || function.size > limit) function.size = limit;
  }
}

std::span<const uint8_t> ElfImage::code_at(uint64_t address) const {
  for (const auto& segment : segments_)
    if ((segment.flags & PF_X) != 0 && address >= segment.address &&
        address - segment.address < segment.file.size())
      return segment.file.subspan(address - segment.address);
  return {};
}

const ElfFunction* ElfImage::function_at(uint64_t address) const {
  auto after = std::upper_bound(functions_.begin(), functions_.end(), address,
                                [](uint64_t a, const auto& f) { return a < f.address; });
  if (after == functions_.begin()) return nullptr;
  const auto& function = *std::prev(after);
  return address - function.address < function.size ? &function : nullptr;
}

}  // namespace mtetso
