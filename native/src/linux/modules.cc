// SPDX-License-Identifier: MIT

#include "linux/modules.h"

#include <algorithm>

namespace mtetso {

void Modules::map_file(const std::string& path, int descriptor, uint64_t offset, uint64_t length,
                       uint64_t address) {
  drop(address, address + length);
  Program& program = engine_.load(ElfImage::of_mapping(descriptor, offset, length, address), path);
  std::scoped_lock hold(lock_);
  modules_.push_back({address, address + length, program.code().id()});
}

void Modules::map_bytes(uint64_t address, uint64_t length) {
  drop(address, address + length);
  std::vector<uint8_t> bytes(length);
  if (!memory_.host_read(nullptr, address, bytes.data(), bytes.size())) return;
  Program& program = engine_.load(ElfImage::of_bytes(std::move(bytes), address), "");
  std::scoped_lock hold(lock_);
  modules_.push_back({address, address + length, program.code().id()});
}

// A module that loses some of its pages is gone as a whole: what is left of it is as good as memory
// of no file.
void Modules::drop(uint64_t begin, uint64_t end) {
  std::vector<Module> gone;
  {
    std::scoped_lock hold(lock_);
    const auto kept = std::stable_partition(modules_.begin(), modules_.end(), [&](const Module& m) {
      return m.end <= begin || m.begin >= end;
    });
    gone.assign(kept, modules_.end());
    modules_.erase(kept, modules_.end());
  }
  for (const Module& one : gone) {
    engine_.unload(one.program);
    if (one.begin < begin) map_bytes(one.begin, begin - one.begin);
    if (one.end > end) map_bytes(end, one.end - end);
  }
}

bool Modules::covers(uint64_t begin, uint64_t end) const {
  std::scoped_lock hold(lock_);
  return std::any_of(modules_.begin(), modules_.end(),
                     [&](const Module& m) { return m.begin <= begin && m.end >= end; });
}

}  // namespace mtetso
