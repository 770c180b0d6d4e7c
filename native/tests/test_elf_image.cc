// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <elf.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "guest/elf_image.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr uint64_t kBase = 0x400000;
constexpr uint64_t kCode = 0x200, kNote = 0x280, kSymbols = 0x300, kStrings = 0x380;
constexpr uint64_t kSections = 0x400;

struct Image {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kSections + 3 * sizeof(Elf64_Shdr));

  template <typename T>
  T& at(uint64_t offset) {
    return *reinterpret_cast<T*>(bytes.data() + offset);
  }
  Elf64_Ehdr& header() { return at<Elf64_Ehdr>(0); }
  Elf64_Phdr& program(int i) { return at<Elf64_Phdr>(sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr)); }
  Elf64_Shdr& section(int i) { return at<Elf64_Shdr>(kSections + i * sizeof(Elf64_Shdr)); }
  Elf64_Sym& symbol(int i) { return at<Elf64_Sym>(kSymbols + i * sizeof(Elf64_Sym)); }
};

// One segment, a note with one import, two functions of which the first has no size.
Image make() {
  Image image;
  auto& header = image.header();
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_entry = kBase + kCode;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shoff = kSections;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  image.program(0) = {PT_LOAD, PF_R | PF_X, 0, kBase, kBase, 0x300, 0x1000, 0x1000};
  image.program(1) = {PT_NOTE, PF_R, kNote, kBase + kNote, kBase + kNote, 35, 35, 4};
  const uint32_t note[] = {7, 15, ElfImage::kImportNote};
  std::memcpy(&image.bytes[kNote], note, sizeof note);
  std::memcpy(&image.bytes[kNote + 12], "mtetso", 7);
  uint64_t stub = kBase + kCode + 0x20;
  std::memcpy(&image.bytes[kNote + 20], &stub, 8);
  std::memcpy(&image.bytes[kNote + 28], "a_stub", 7);
  image.program(1).p_filesz = image.program(1).p_memsz = 36;
  image.section(1) = {0, SHT_SYMTAB,       0, 0, kSymbols, 3 * sizeof(Elf64_Sym), 2, 0,
                      8, sizeof(Elf64_Sym)};
  image.section(2) = {0, SHT_STRTAB, 0, 0, kStrings, 32, 0, 0, 1, 0};
  std::memcpy(&image.bytes[kStrings], "\0main\0helper", 12);
  uint8_t function = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  image.symbol(1) = {6, function, 0, 1, kBase + kCode + 0x10, 8};
  image.symbol(2) = {1, function, 0, 1, kBase + kCode, 0};
  return image;
}

// 0: accepted.
int status_of(const std::vector<uint8_t>& bytes) {
  try {
    ElfImage::parse(bytes);
  } catch (const StatusError& error) {
    return static_cast<int>(error.status());
  }
  return 0;
}

TEST_CASE("segments, functions and imports are found") {
  auto image = ElfImage::parse(make().bytes);
  CHECK(image.entry() == kBase + kCode);
  REQUIRE(image.segments().size() == 1);
  CHECK(image.segments()[0].file.size() == 0x300);
  REQUIRE(image.functions().size() == 2);
  CHECK(image.functions()[0].name == "main");
  CHECK(image.functions()[0].size == 0x10);  // up to the next
  CHECK(image.functions()[1].name == "helper");
  CHECK(image.function_at(kBase + kCode + 0x17)->name == "helper");
  CHECK(image.function_at(kBase + kCode + 0x18) == nullptr);
  CHECK(image.function_at(kBase) == nullptr);
  REQUIRE(image.imports().size() == 1);
  CHECK(image.imports()[0].name == "a_stub");
  CHECK(image.imports()[0].address == kBase + kCode + 0x20);
  CHECK(image.code_at(kBase + 0x2ff).size() == 1);
  CHECK(image.code_at(kBase + 0x300).empty());
}

TEST_CASE("thread-local storage is found, and must be sane") {
  const auto with = [](uint64_t file_size, uint64_t memory_size, uint64_t alignment) {
    Image image = make();
    image.program(1) = {PT_TLS, PF_R, kNote, 0, 0, file_size, memory_size, alignment};
    return ElfImage::parse(image.bytes);
  };
  const auto image = with(20, 100, 64);
  CHECK(image.tls().memory_size == 100);
  CHECK(image.tls().alignment == 64);
  CHECK(image.tls().file.size() == 20);
  CHECK(with(0, 8, 0).tls().alignment == 1);
  CHECK(ElfImage::parse(make().bytes).tls().memory_size == 0);
  CHECK_THROWS_AS(with(101, 100, 8), StatusError);
  CHECK_THROWS_AS(with(8, 100, 24), StatusError);
  CHECK_THROWS_AS(with(8, 100, 8192), StatusError);
  CHECK_THROWS_AS(with(8, ElfImage::kMaxTls + 1, 8), StatusError);
  CHECK_THROWS_AS(with(0x10000, 0x10000, 8), StatusError);
}

TEST_CASE("each kind of wrong file has its status") {
  auto with = [](auto change) {
    auto image = make();
    change(image);
    return status_of(image.bytes);
  };
  CHECK(with([](Image&) {}) == 0);
  CHECK(with([](Image& i) { i.bytes[0] = 'E'; }) == 65);
  CHECK(with([](Image& i) { i.bytes.clear(); }) == 65);
  CHECK(with([](Image& i) { i.bytes[EI_CLASS] = ELFCLASS32; }) == 67);
  CHECK(with([](Image& i) { i.bytes[EI_DATA] = ELFDATA2MSB; }) == 67);
  CHECK(with([](Image& i) { i.header().e_machine = EM_AARCH64; }) == 67);
  CHECK(with([](Image& i) { i.header().e_type = ET_DYN; }) == 67);
  CHECK(with([](Image& i) { i.program(1).p_type = PT_INTERP; }) == 67);
  CHECK(with([](Image& i) { i.header().e_phnum = 0; }) == 65);
  CHECK(with([](Image& i) { i.header().e_phoff = ~0ull - 8; }) == 65);
  CHECK(with([](Image& i) { i.header().e_entry = kBase + 0x800; }) == 65);
  CHECK(with([](Image& i) { i.program(0).p_filesz = 0x2000; }) == 65);
  CHECK(with([](Image& i) { i.program(0).p_memsz = ~0ull; }) == 65);
  CHECK(with([](Image& i) { i.program(0).p_vaddr = 0; }) == 65);
  CHECK(with([](Image& i) { i.program(1) = i.program(0); }) == 65);
  CHECK(with([](Image& i) { i.section(1).sh_link = 77; }) == 65);
  CHECK(with([](Image& i) { i.section(1).sh_size = ~0ull; }) == 65);
  CHECK(with([](Image& i) { i.bytes[kNote + 34] = 'x', i.program(1).p_filesz = 35; }) == 65);
}

// Run under AddressSanitizer and UBSan: nothing is read outside of the file.
// A file that is gone when it is closed, as a program would map it.
class File {
 public:
  explicit File(const std::vector<uint8_t>& bytes) : file_(std::tmpfile()) {
    REQUIRE(file_ != nullptr);
    REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size());
    std::fflush(file_);
  }
  ~File() { std::fclose(file_); }
  int descriptor() const { return fileno(file_); }

 private:
  FILE* file_;
};

TEST_CASE("a mapping knows which file it is of, wherever it is") {
  Image shared = make();
  shared.header().e_type = ET_DYN;
  const uint32_t note[] = {4, 3, NT_GNU_BUILD_ID};
  std::memcpy(&shared.bytes[kNote], note, sizeof note);
  std::memcpy(&shared.bytes[kNote + 12], "GNU\0\xab\x01\xff", 7);
  shared.program(1).p_filesz = 20;
  const File file(shared.bytes);
  std::vector<uint64_t> digests;
  for (const uint64_t address : {uint64_t{0x7000'0000}, uint64_t{0x1000}}) {
    const auto image = ElfImage::of_mapping(file.descriptor(), 0, 0x1000, address);
    CHECK(image.build_id() == "ab01ff");
    CHECK(image.load_bias() == address - kBase);
    CHECK(image.functions().at(0).address == address + kCode);
    CHECK(image.imports().empty());
    digests.push_back(image.digest());
  }
  CHECK(digests[0] == digests[1]);
  shared.header().e_type = ET_EXEC;
  const File fixed(shared.bytes);
  CHECK(ElfImage::of_mapping(fixed.descriptor(), 0, 0x1000, kBase).digest() ==
        ElfImage::parse(shared.bytes).digest());
}

TEST_CASE("a page with the ends of two segments is the code's where it is executed") {
  constexpr uint64_t kApart = 0x1000;  // lld begins each segment on a page of its own
  Image shared = make();
  shared.header().e_type = ET_DYN;
  shared.program(0) = {PT_LOAD, PF_R, 0, kBase, kBase, kCode, kCode, 0x1000};
  const uint64_t begin = kBase + kApart + kCode;
  shared.program(1) = {PT_LOAD, PF_R | PF_X, kCode, begin, begin, 0x100, 0x100, 0x1000};
  shared.symbol(1).st_value = begin + 0x10;
  const File file(shared.bytes);
  const auto image = ElfImage::of_mapping(file.descriptor(), 0, 0x1000, 0x7000'0000);
  CHECK(image.load_bias() == 0x7000'0000 - kBase - kApart);
  REQUIRE(image.function_at(0x7000'0000 + kCode + 0x10) != nullptr);
  CHECK(image.function_at(0x7000'0000 + kCode + 0x10)->name == "helper");
}

TEST_CASE("a mapping of what is no ELF, or damaged, is known by its offsets") {
  Image damaged = make();
  damaged.header().e_phoff = ~uint64_t{0};
  const File file(damaged.bytes);
  const auto low = ElfImage::of_mapping(file.descriptor(), 0, 0x1000, 0x10000);
  const auto high = ElfImage::of_mapping(file.descriptor(), 0, 0x1000, 0x70000);
  CHECK(low.load_bias() == 0x10000);
  CHECK(high.load_bias() == 0x70000);
  CHECK(low.digest() == high.digest());
  CHECK(low.build_id().empty());
}

TEST_CASE("no damage leads outside of the file") {
  const auto good = make().bytes;
  for (size_t size = 0; size < good.size(); ++size) {
    int status = status_of({good.begin(), good.begin() + static_cast<ptrdiff_t>(size)});
    CHECK((status == 65 || status == 67));
  }
  for (size_t at = 0; at < good.size(); ++at)
    for (uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      auto bad = good;
      bad[at] = value;
      int status = status_of(bad);
      CHECK((status == 0 || status == 65 || status == 67));
    }
}

}  // namespace
}  // namespace mtetso
