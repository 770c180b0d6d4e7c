// SPDX-License-Identifier: MIT
//
// A guest program: a static x86-64 ELF executable at fixed addresses.
//
// Imports. A guest calls host functions through stubs of its own (native/guests/imports.S). A note
// (name "mtetso", type kImportNote) in a PT_NOTE segment lists them, so that they are found in a
// stripped guest as well: records of a 64-bit stub address and a NUL-terminated name.
#pragma once

#include <elf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mtetso {

struct ElfSegment {
  uint64_t address = 0;
  uint64_t memory_size = 0;
  uint32_t flags = 0;             // PF_R, PF_W, PF_X
  std::span<const uint8_t> file;  // at most memory_size bytes; the rest is zero
};

// What each thread gets a copy of (PT_TLS): `file`, then zeros up to memory_size.
struct ElfTls {
  uint64_t memory_size = 0;  // 0: the guest has no thread-local storage
  uint64_t alignment = 1;    // a power of two, at most kMaxTlsAlignment
  std::span<const uint8_t> file;
};

struct ElfFunction {
  uint64_t address = 0;
  uint64_t size = 0;  // bytes, up to the next function where the symbol has none
  std::string name;
};

struct ElfImport {
  uint64_t address = 0;
  std::string name;
};

class ElfImage {
 public:
  static constexpr uint32_t kImportNote = 1;
  static constexpr uint64_t kMaxTls = 1u << 20;  // bytes a thread
  static constexpr uint64_t kMaxTlsAlignment = 4096;

  // Segments point into the bytes: a move keeps them in place, a copy would not.
  ElfImage(ElfImage&&) = default;
  ElfImage(const ElfImage&) = delete;

  // Whether a file is a guest of the runtime's own: one that imports host functions.
  static bool imports_host(const std::string& path);
  // Reads the file at `path`. Throws StatusError: CannotOpen, or what parse throws.
  static ElfImage open(const std::string& path);

  // Throws StatusError: Malformed (not an ELF, truncated, inconsistent), WrongTarget (an ELF
  // for another machine, class or type). Every count and offset is checked against the size.
  static ElfImage parse(std::vector<uint8_t> bytes);

  // A part of a file that a Linux program has mapped to execute it: bytes [offset, offset + length)
  // at `address`. Its functions are those of the file's symbols; without any if they are damaged.
  // Of a file that is no ELF, "addresses in the file" are offsets in it.
  // Throws StatusError(CannotOpen) if the file cannot be mapped.
  static ElfImage of_mapping(int descriptor, uint64_t offset, uint64_t length, uint64_t address);
  // Executable memory that the guest may write: its bytes are read when code is made from them.
  static ElfImage of_memory(uint64_t address, uint64_t length);
  // What is mapped of it in [begin, end), which is part of its one segment.
  ElfImage part(uint64_t begin, uint64_t end) const;
  // Code of no file.
  static ElfImage of_bytes(std::vector<uint8_t> bytes, uint64_t address);

  uint64_t entry() const { return entry_; }
  // Whether its code is to be translated when it is reached, and not at once.
  bool on_demand() const { return on_demand_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }  // sorted, disjoint
  const ElfTls& tls() const { return tls_; }
  const std::vector<ElfFunction>& functions() const { return functions_; }  // sorted, disjoint
  const std::vector<ElfImport>& imports() const { return imports_; }
  // Of its GNU note, in hexadecimal; empty if it has none.
  const std::string& build_id() const { return build_id_; }
  // Guest addresses less those in its file, modulo 2^64.
  uint64_t load_bias() const { return load_bias_; }
  // Of all executable segments of its file, each after its address there, wherever they are loaded:
  // CRC-32 in the low half, length in the high one.
  uint64_t digest() const { return digest_; }

  // The file's bytes of executable memory from `address` to the end of its segment; empty where
  // the address is not in one.
  std::span<const uint8_t> code_at(uint64_t address) const;

  // The function that holds `address`; nullptr if no symbol covers it.
  const ElfFunction* function_at(uint64_t address) const;

 private:
  ElfImage(std::shared_ptr<const void> owner, std::span<const uint8_t> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  static ElfImage owning(std::vector<uint8_t> bytes);
  static ElfImage mapping(int descriptor);

  void read_header();
  void read_segments();
  // Of the symbol table of the type `table` (SHT_*); `bias` is added to their addresses.
  void read_functions(uint32_t table, uint64_t bias);
  void read_tls(uint64_t offset, uint64_t file_size, uint64_t memory_size, uint64_t alignment);
  // What a mapping has of the file's headers: byte `offset` is at `address`.
  void read_mapped(uint64_t offset, uint64_t address);
  std::vector<Elf64_Phdr> program_headers() const;
  // Calls `visit` with the name, the type and the contents of each note.
  template <typename Visit>
  void each_note(uint64_t offset, uint64_t size, Visit visit) const;
  void read_build_id(uint64_t offset, uint64_t size);
  void read_imports(uint64_t offset, uint64_t size);
  void add_to_digest(uint64_t address, std::span<const uint8_t> code);
  void finish_functions();
  std::string_view string_at(uint64_t table, uint64_t table_size, uint64_t index) const;
  std::span<const uint8_t> slice(uint64_t offset, uint64_t size, const char* what) const;
  template <typename T>
  T read(uint64_t offset, const char* what) const;

  std::shared_ptr<const void> owner_;
  std::span<const uint8_t> bytes_;
  uint64_t entry_ = 0;
  uint64_t load_bias_ = 0;
  uint64_t digest_ = 0;
  bool on_demand_ = false;
  std::vector<ElfSegment> segments_;
  ElfTls tls_;
  std::vector<ElfFunction> functions_;
  std::vector<ElfImport> imports_;
  std::string build_id_;
};

}  // namespace mtetso
