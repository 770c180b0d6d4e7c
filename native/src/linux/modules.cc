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
  // Whoever has the file may write it.
  if (memory_.is_outside(address)) kind = Kind::Written;
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

// A module that loses some of its pages is gone as a whole. What is left is a module of the same
// file: the same symbols and build id, at the same addresses.
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
    std::vector<Part> left;
    if (one.begin < begin) left.push_back(part_of(one, one.begin, begin));
    if (one.end > end) left.push_back(part_of(one, end, one.end));
    engine_.unload(one.program);
    if (one.kind == Kind::Written) memory_.end_code(one.begin, one.end - one.begin);
    for (Part& part : left) add(std::move(part));
  }
}

Modules::Part Modules::part_of(const Module& module, uint64_t begin, uint64_t end) const {
  if (module.kind == Kind::Written)
    return {module.kind, begin, end, "", ElfImage::of_memory(begin, end - begin)};
  const Program& program = *engine_.find(module.program);
  return {module.kind, begin, end, program.path(), program.image().part(begin, end)};
}

void Modules::add(Part part) {
  if (part.kind == Kind::Written && !memory_.share_code(part.begin, part.end - part.begin)) return;
  const Program& program = engine_.load(std::move(part.image), part.path);
  std::scoped_lock hold(lock_);
  modules_.push_back({part.begin, part.end, program.code().id(), part.kind});
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
