// SPDX-License-Identifier: MIT
#include "cache/code_cache.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "status.h"

namespace mtetso {
namespace {

// FNV-1a, 64 bits: names a file, proves nothing.
uint64_t mix(uint64_t hash, const void* from, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

}  // namespace

CodeCache::CodeCache(std::string directory) : directory_(std::move(directory)) {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error || !std::filesystem::is_directory(directory_, error))
    throw StatusError(Status::CannotOpen, "cannot use " + directory_ + " as a code cache");
}

std::string CodeCache::path_of(const CacheKey& key) const {
  uint64_t hash = mix(0xcbf29ce484222325u, key.maker.data(), key.maker.size());
  hash = mix(hash, key.source.data(), key.source.size());
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof digits, hash, 16).ptr;
  return directory_ + "/" + std::string(digits, end) + ".mtecode";
}

CacheAnswer CodeCache::load(const CacheKey& key, CompiledCode& code, std::string& why) const {
  std::ifstream file(path_of(key), std::ios::binary);
  if (!file) return CacheAnswer::Absent;
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  auto found = decode(key, bytes, why);
  if (!found) return CacheAnswer::Refused;
  code = std::move(*found);
  return CacheAnswer::Found;
}

bool CodeCache::store(const CacheKey& key, const CompiledCode& code) const {
  const std::string path = path_of(key), aside = path + "." + std::to_string(getpid());
  const auto bytes = encode(key, code);
  std::ofstream file(aside, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(aside, path, error);
  if (file && !error) return true;
  std::filesystem::remove(aside, error);
  return false;
}

}  // namespace mtetso
