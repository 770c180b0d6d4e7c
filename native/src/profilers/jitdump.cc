// SPDX-License-Identifier: MIT
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "code/listener.h"
#include "profilers/profilers.h"
#include "profilers/range_name.h"
#include "status.h"

namespace mtetso {
namespace {

// jitdump-specification.txt, version 1.
struct FileHeader {
  uint32_t magic = 0x4a695444;
  uint32_t version = 1;
  uint32_t total_size = sizeof(FileHeader);
  uint32_t elf_machine = EM_AARCH64;
  uint32_t pad = 0;
  uint32_t pid = 0;
  uint64_t timestamp = 0;
  uint64_t flags = 0;
};
struct LoadRecord {
  uint32_t id = 0;  // JIT_CODE_LOAD
  uint32_t total_size = 0;
  uint64_t timestamp = 0;
  uint32_t pid = 0;
  uint32_t tid = 0;
  uint64_t address = 0;
  uint64_t code_address = 0;
  uint64_t code_size = 0;
  uint64_t code_index = 0;
};
static_assert(sizeof(FileHeader) == 40 && sizeof(LoadRecord) == 56);

uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  constexpr uint64_t kSecond = 1000000000;
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

class JitDump : public CodeListener {
 public:
  explicit JitDump(int file) : file_(file) {}

  void added(const CodeBlock& block, std::string_view program) override {
    for (const mtedbg_Range& range : block.ranges) {
      const std::string name = range_name(block, range, program);
      const uint64_t base = block.base() + range.begin;
      LoadRecord record;
      record.code_size = range.end - range.begin;
      record.total_size = static_cast<uint32_t>(sizeof record + name.size() + 1 + record.code_size);
      record.timestamp = now();
      record.pid = static_cast<uint32_t>(getpid());
      record.tid = static_cast<uint32_t>(syscall(SYS_gettid));
      record.address = record.code_address = base;
      record.code_index = index_++;
      // One write a record: what is cut off by the process's end is the last one only.
      std::string whole(reinterpret_cast<const char*>(&record), sizeof record);
      whole.append(name.c_str(), name.size() + 1);
      whole.append(reinterpret_cast<const char*>(block.writable(base)), record.code_size);
      (void)!write(file_, whole.data(), whole.size());
    }
  }

 private:
  const int file_;  // never closed
  uint64_t index_ = 0;
};

}  // namespace

void start_jitdump(const std::string& folder) {
  constexpr mode_t kMode = 0666;
  const std::string path = folder + "/jit-" + std::to_string(getpid()) + ".dump";
  FileHeader header;
  header.pid = static_cast<uint32_t>(getpid());
  header.timestamp = now();
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  // perf record sees the file by this mapping; it is of no other use.
  if (file < 0 || write(file, &header, sizeof header) != sizeof header ||
      mmap(nullptr, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_READ | PROT_EXEC, MAP_PRIVATE,
           file, 0) == MAP_FAILED)
    throw StatusError(Status::CannotOpen, "cannot write " + path + ": " + std::strerror(errno));
  add_code_listener(std::make_unique<JitDump>(file));
}

}  // namespace mtetso
