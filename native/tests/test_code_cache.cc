// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cache/code_cache.h"
#include "code/validate.h"
#include "samples.h"
#include "status.h"

namespace mtetso {
namespace {

const CacheKey kKey{"mtetso 1\nshared-tag 0\n", {1, 2, 3, 4, 5}};

CompiledCode sample_code() {
  CompiledCode code = sample::either_code(0, 0x401000);
  const auto end = static_cast<uint32_t>(code.words.size() * sizeof(uint32_t));
  code.words.insert(code.words.end(), {0xd2800011, 0xf2a00011, 0xf2c00011});
  code.fixups = {{end, 0}};
  code.memops[0].pinned = 1;
  return code;
}

bool same(const CompiledCode& a, const CompiledCode& b) {
  return encode(kKey, a) == encode(kKey, b);
}

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("mtetso-cache-" + std::to_string(getpid()));
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("what is stored is found by its key alone") {
  const Folder folder;
  const CodeCache cache(folder.path);
  CompiledCode found;
  std::string why;
  CHECK(cache.load(kKey, found, why) == CacheAnswer::Absent);
  REQUIRE(cache.store(kKey, sample_code()));
  REQUIRE(cache.load(kKey, found, why) == CacheAnswer::Found);
  CHECK(same(found, sample_code()));
  CHECK(find_fault(found, 1) == nullptr);
  CacheKey other = kKey;
  other.maker += "step 1\n";
  CHECK(cache.load(other, found, why) == CacheAnswer::Absent);
  // The name is only a hash: another key's file under it is noticed.
  std::filesystem::rename(cache.path_of(kKey), cache.path_of(other));
  CHECK(cache.load(other, found, why) == CacheAnswer::Refused);
  CHECK(why == "it was made for other code or options");
  for (const auto& entry : std::filesystem::directory_iterator(folder.path))
    CHECK(entry.path().extension() == ".mtecode");  // nothing is left lying about
}

TEST_CASE("every damaged byte and every truncation is refused") {
  const auto good = encode(kKey, sample_code());
  std::string why;
  REQUIRE(decode(kKey, good, why));
  for (size_t at = 0; at < good.size(); ++at) {
    if (at >= 12 && at < 16) continue;  // reserved
    auto bad = good;
    bad[at] ^= 0x40;
    CHECK_FALSE(decode(kKey, bad, why));
    CHECK_FALSE(decode(kKey, {good.begin(), good.begin() + static_cast<long>(at)}, why));
  }
  auto longer = good;
  longer.push_back(0);
  CHECK_FALSE(decode(kKey, longer, why));
}

TEST_CASE("a folder that cannot be one") {
  const Folder folder;
  std::ofstream(folder.path) << "a file";
  CHECK_THROWS_AS(CodeCache(folder.path.string()), StatusError);
  std::filesystem::remove(folder.path);
  const CodeCache cache(folder.path);
  std::filesystem::remove_all(folder.path);
  CHECK_FALSE(cache.store(kKey, sample_code()));
}

}  // namespace mtetso
