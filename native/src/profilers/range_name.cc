// SPDX-License-Identifier: MIT
#include "profilers/range_name.h"

#include <cstdio>

namespace mtetso {

std::string range_name(const CodeBlock& block, const mtedbg_Range& range,
                       std::string_view program) {
  std::string name(program);
  name += '!';
  if (range.symbol_length != 0) {
    name.append(reinterpret_cast<const char*>(range.symbol), range.symbol_length);
  } else {
    char address[24];
    std::snprintf(address, sizeof address, "0x%llx",
                  static_cast<unsigned long long>(range.guest_rip));
    name += address;
  }
  if (range.kind == MTEDBG_RangeKind_EntryStub) name += " [entry]";
  if (block.record.tier == MTEDBG_Tier_Optimized) name += " [optimized]";
  // A line of a perf map is one name.
  for (char& one : name)
    if (one == '\n' || one == '\r') one = '?';
  return name;
}

}  // namespace mtetso
