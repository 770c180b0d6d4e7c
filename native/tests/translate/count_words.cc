// SPDX-License-Identifier: MIT
//
// How many AArch64 instructions an x86-64 one becomes: for each argument, bytes in hexadecimal, a
// line with the number if PF and AF are not read afterwards, and if they are. Memops are local, or
// after an argument "shared:TAG" shared, with that tag.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "translate/lower.h"

namespace mtetso {
namespace {

std::optional<std::vector<uint8_t>> bytes_of(std::string_view text) {
  std::vector<uint8_t> bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (; !text.empty(); text.remove_prefix(2)) {
    uint8_t byte = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
    if (error != std::errc() || end != text.data() + 2) return std::nullopt;
    bytes.push_back(byte);
  }
  return bytes;
}

std::optional<uint32_t> count(const std::vector<uint8_t>& bytes, uint8_t live,
                              const Options& options) {
  auto insn = Decoder().decode(0x400000, bytes);
  if (!insn || insn->flow != Flow::Next) return std::nullopt;
  insn->lazy_live = live;
  const TranslationPlan plan;
  Emitter emitter(options, plan);
  emitter.begin_instruction(insn->rip);
  bool known = lower(emitter, *insn);
  uint32_t words = emitter.offset() / 4;
  emitter.finish({});
  return known ? std::optional(words) : std::nullopt;
}

// Whether `text` is "shared:TAG"; the options are as it says then.
bool read_mode(std::string_view text, Options& options) {
  constexpr std::string_view kShared = "shared:";
  if (!text.starts_with(kShared)) return false;
  text.remove_prefix(kShared.size());
  options.memops_start = MTEDBG_Mode_Shared;
  std::from_chars(text.data(), text.data() + text.size(), options.shared_tag);
  return true;
}

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) {
  mtetso::Options options;
  for (int i = 1; i < argc; ++i) {
    if (mtetso::read_mode(argv[i], options)) continue;
    auto bytes = mtetso::bytes_of(argv[i]);
    auto bare = bytes ? mtetso::count(*bytes, 0, options) : std::nullopt;
    auto full = bytes ? mtetso::count(*bytes, mtetso::lazy_flag::kAll, options) : std::nullopt;
    if (!bare || !full) {
      std::fprintf(stderr, "%s: not an instruction of the subset\n", argv[i]);
      return 1;
    }
    std::printf("%u %u\n", *bare, *full);
  }
  return 0;
}
