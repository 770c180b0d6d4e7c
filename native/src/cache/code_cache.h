// SPDX-License-Identifier: MIT
//
// Compiled code on disk, as it left the translator: never as patched, and in no place yet.
//
// A file is for one key: what the code was made from. It holds the whole key, the guest's bytes
// included, and is used only where every byte of it is the one asked for; a checksum covers the
// rest, and what is read is checked again as anything that a translator hands over is. Files are
// written aside and renamed, so that none is ever seen half.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiled.h"

namespace mtetso {

struct CacheKey {
  std::string maker;            // runtime, build, options, tier, profile: one line each
  std::vector<uint8_t> source;  // the guest's code
};

enum class CacheAnswer { Found, Absent, Refused };

class CodeCache {
 public:
  // `directory` is made where it is not there. Throws StatusError(CannotOpen).
  explicit CodeCache(std::string directory);

  // `code` is set where it was found. Refused: there is a file, and it is damaged or not for this
  // key; `why` says what is wrong.
  CacheAnswer load(const CacheKey& key, CompiledCode& code, std::string& why) const;
  // False where the file cannot be written: the code is as good without.
  bool store(const CacheKey& key, const CompiledCode& code) const;

  std::string path_of(const CacheKey& key) const;

 private:
  std::string directory_;
};

// The file's content, apart from the disk. decode() sets `why` and returns nothing where the bytes
// are not whole or not for `key`.
std::vector<uint8_t> encode(const CacheKey& key, const CompiledCode& code);
std::optional<CompiledCode> decode(const CacheKey& key, const std::vector<uint8_t>& bytes,
                                   std::string& why);

}  // namespace mtetso
