// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cache/code_cache.h"
#include "code/code.h"
#include "code/memop_words.h"
#include "code/validate.h"
#include "memory/barriers.h"
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
  code.sources = {{0x401000, 0x401010}};
  return code;
}

struct Ready {
  Ready() {
    if (!register_barriers()) std::abort();
  }
} g_ready;

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
  CacheKey changed = kKey;
  changed.source.back() ^= 1;
  for (const CacheKey& one : {other, changed}) {
    REQUIRE(cache.store(kKey, sample_code()));
    std::filesystem::rename(cache.path_of(kKey), cache.path_of(one));
    CHECK(cache.load(one, found, why) == CacheAnswer::Refused);
    CHECK(why == "it was made for other code or options");
  }
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

// What a checksum is no help against: damage that was mended afterwards. Whatever is decoded is
// validated as every commit is, and what passes that can be placed, described and retired.
TEST_CASE("damage with a mended checksum is refused, or is code that holds together") {
  const auto good = encode(kKey, sample_code());
  constexpr size_t kHeader = 24, kChecksum = 8;
  const size_t key = kHeader + 8 + kKey.maker.size() + 8 + kKey.source.size();
  Code code;
  const uint32_t function = code.add_function("f", 0x401000, 0x401010);
  size_t refused = 0, accepted = 0;
  std::set<std::string> reasons;
  uint64_t random = 1;
  const auto next = [&random] {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return random >> 33;
  };
  for (int round = 0; round < 20000; ++round) {
    auto bad = good;
    for (uint64_t n = 1 + next() % 3; n != 0; --n) {
      const size_t at = key + next() % (bad.size() - key);
      constexpr uint8_t kValues[] = {0, 1, 2, 3, 4, 8, 0x7f, 0x80, 0xfc, 0xff};
      bad[at] = round % 2 == 0 ? static_cast<uint8_t>(bad[at] ^ 1u << next() % 8)
                               : kValues[next() % std::size(kValues)];
    }
    if (round % 16 == 0) bad.resize(key + next() % (bad.size() - key));
    if (round % 16 == 8) bad.insert(bad.begin() + static_cast<long>(key), next() % 64, 0xff);
    const uint64_t length = bad.size() - kHeader;
    const uint32_t checksum = mtedbg_crc32(bad.data() + kHeader, length);
    std::memcpy(bad.data() + kChecksum, &checksum, sizeof checksum);
    std::memcpy(bad.data() + kHeader - sizeof length, &length, sizeof length);
    std::string why;
    auto found = decode(kKey, bad, why);
    if (!found) {
      reasons.insert(why);
      ++refused;
      continue;
    }
    for (auto& range : found->ranges)
      if (range.function == 0) range.function = function;
    for (auto& fixup : found->fixups)
      if (fixup.function == 0) fixup.function = function;
    try {
      const CodeBlock* block =
          code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(*found));
      ++accepted;
      for (const mtedbg_Memop& memop : block->memops) {
        CHECK(decode_access(*block->writable(memop.address)).has_value());
        CHECK(block->memop_of_fault(memop.address) == &memop);
      }
      code.retire(block, "seen");
      code.reclaim(UINT64_MAX);
    } catch (const CodeError& error) {
      reasons.insert(error.what());
      ++refused;
    }
  }
  CHECK(refused > accepted);
  CHECK(accepted > 0);  // a number that means nothing to the runtime, or another instruction
  CHECK(reasons.size() > 20);
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
