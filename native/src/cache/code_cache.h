// SPDX-License-Identifier: MIT
//
// Compiled code on disk, as the translator made it: never as patched, and not placed.
//
// A file belongs to one key: everything the code was made from. It holds the whole key, including
// the guest's bytes, and is used only if every byte of the key is equal; a checksum covers the
// rest, and the code is validated again like any code from the translator. Files are written under
// another name and then renamed, so that no reader sees a partial one.
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
  // `directory` is made if it does not exist. Throws StatusError(CannotOpen).
  explicit CodeCache(std::string directory);

  // Found: `code` is set. Refused: there is a file, but it is damaged or not for this key; `why`
  // says what is wrong.
  CacheAnswer load(const CacheKey& key, CompiledCode& code, std::string& why) const;
  // False if the file cannot be written; the code can be used all the same.
  bool store(const CacheKey& key, const CompiledCode& code) const;

  std::string path_of(const CacheKey& key) const;

 private:
  std::string directory_;
};

// The file's content, apart from the disk. decode() sets `why` and returns nothing if the bytes
// are damaged or not for `key`.
std::vector<uint8_t> encode(const CacheKey& key, const CompiledCode& code);
std::optional<CompiledCode> decode(const CacheKey& key, const std::vector<uint8_t>& bytes,
                                   std::string& why);

}  // namespace mtetso
