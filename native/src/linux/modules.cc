// SPDX-License-Identifier: MIT

#include "linux/modules.h"

#include <algorithm>

namespace mtetso {

void Modules::map_file(const std::string& path, int descriptor, uint64_t offset, uint64_t length,
                       uint64_t address) {
  drop(address, address + length);
  Program& program = engine_.load(ElfImage::of_mapping(descriptor, offset, length, address), path);
  std::scoped_lock hold(lock_);
  modules_.push_back({address, address + length, program.code().id(), Kind::Constant});
}

void Modules::map_bytes(Kind kind, uint64_t address, uint64_t length) {
  drop(address, address + length);
  Program* program = nullptr;
  if (kind == Kind::Written) {
    if (!memory_.share_code(address, length)) return;
    program = &engine_.load(ElfImage::of_memory(address, length), "");
  } else {
    std::vector<uint8_t> bytes(length);
    if (!memory_.host_read(nullptr, address, bytes.data(), bytes.size())) return;
    program = &engine_.load(ElfImage::of_bytes(std::move(bytes), address), "");
  }
  std::scoped_lock hold(lock_);
  modules_.push_back({address, address + length, program->code().id(), kind});
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
    if (one.kind == Kind::Written) memory_.end_code(one.begin, one.end - one.begin);
    if (one.begin < begin) map_bytes(one.kind, one.begin, begin - one.begin);
    if (one.end > end) map_bytes(one.kind, end, one.end - end);
  }
}

bool Modules::covers(Kind kind, uint64_t begin, uint64_t end) const {
  std::scoped_lock hold(lock_);
  return std::any_of(modules_.begin(), modules_.end(), [&](const Module& m) {
    return m.kind == kind && m.begin <= begin && m.end >= end;
  });
}

std::vector<std::pair<uint64_t, uint64_t>> Modules::parts(Kind kind, uint64_t begin,
                                                          uint64_t end) const {
  std::scoped_lock hold(lock_);
  std::vector<std::pair<uint64_t, uint64_t>> found;
  for (const Module& one : modules_)
    if (one.kind == kind && one.begin < end && one.end > begin)
      found.emplace_back(std::max(begin, one.begin), std::min(end, one.end));
  return found;
}

}  // namespace mtetso
