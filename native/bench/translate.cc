// SPDX-License-Identifier: MIT
//
// How fast guest code is translated, and only decoded. For AArch64. Usage:
// bench_translate ROUNDS GUEST. Prints "bytes N" and "words N" of guest code and of what it
// becomes, then a line a round and way ("translate", "decode"): its name and nanoseconds.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "guest/elf_image.h"
#include "translate/translator.h"

namespace mtetso {
namespace {

double now() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

template <typename Act>
void timed(const char* name, const Act& act) {
  const double begin = now();
  act();
  std::printf("%s %.0f\n", name, now() - begin);
}

// The functions of the guest's own: those of imports are the runtime's.
std::vector<TranslationUnit> units_of(const ElfImage& image) {
  std::vector<TranslationUnit> units;
  for (const auto& function : image.functions()) {
    const auto& imports = image.imports();
    if (std::any_of(imports.begin(), imports.end(),
                    [&](const auto& one) { return one.address == function.address; }))
      continue;
    TranslationUnit unit;
    unit.start = unit.begin = function.address;
    unit.end = function.address + function.size;
    unit.name = function.name;
    units.push_back(unit);
  }
  return units;
}

// Bytes of instructions, one after the other from the beginning of each function to its end.
uint64_t decode(const ElfImage& image, const std::vector<TranslationUnit>& units) {
  const Decoder decoder;
  uint64_t bytes = 0;
  for (const TranslationUnit& unit : units)
    for (uint64_t at = unit.begin; at < unit.end;) {
      const auto found = decoder.decode(at, image.code_at(at));
      if (!found) break;
      bytes += found->length;
      at += found->length;
    }
  return bytes;
}

struct Source : CodeSource {
  explicit Source(const ElfImage& of) : image(of) {}
  std::span<const uint8_t> code_at(uint64_t address) const override {
    return image.code_at(address);
  }
  const ElfImage& image;
};

void measure(unsigned long rounds, const char* guest) {
  const ElfImage image = ElfImage::open(guest);
  const Options options;
  const Source source(image);
  const Translator translator(options, source);
  const auto units = units_of(image);
  std::printf("bytes %lu\n", static_cast<unsigned long>(decode(image, units)));
  std::printf("words %zu\n", translator.translate(units, {}).words.size());
  for (unsigned long i = 0; i < rounds; ++i) {
    timed("translate", [&] { translator.translate(units, {}); });
    timed("decode", [&] { decode(image, units); });
  }
}

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  mtetso::measure(std::strtoul(argv[1], nullptr, 10), argv[2]);
}
