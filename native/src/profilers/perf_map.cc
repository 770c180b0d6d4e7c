// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "code/listener.h"
#include "profilers/profilers.h"
#include "profilers/range_name.h"
#include "status.h"

namespace mtetso {
namespace {

class PerfMap : public CodeListener {
 public:
  explicit PerfMap(std::FILE* file) : file_(file) {}

  void added(const CodeBlock& block, std::string_view program) override {
    for (const mtedbg_Range& range : block.ranges)
      std::fprintf(file_, "%llx %x %s\n",
                   static_cast<unsigned long long>(block.base() + range.begin),
                   range.end - range.begin, range_name(block, range, program).c_str());
    std::fflush(file_);  // perf reads it when the process is gone, however that ends
  }

 private:
  std::FILE* const file_;  // never closed
};

}  // namespace

void start_perf_map() {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr)
    throw StatusError(Status::CannotOpen, "cannot write " + path + ": " + std::strerror(errno));
  add_code_listener(std::make_unique<PerfMap>(file));
}

}  // namespace mtetso
