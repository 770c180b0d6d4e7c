// SPDX-License-Identifier: MIT
//
// The history of a program's memops, used for optimised code: in the same run (a better tier), in a
// later one (`--profile-out`, `--profile-in`), or by another translator.
//
// A memop is identified by its guest instruction and its place among that instruction's accesses, a
// program by the digest of its code: addresses mean nothing if the bytes differ.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "code/block.h"
#include "translate/plan.h"

namespace mtetso {

struct MemopRecord {
  uint32_t access = 0;  // MTEDBG_Access_*
  uint32_t size = 0;    // bytes
  uint32_t mode = 0;    // MTEDBG_Mode_*, the last one
  uint32_t flips = 0;
  uint32_t faults = 0;
  bool pinned = false;

  bool operator==(const MemopRecord&) const = default;
};

struct ProgramProfile {
  std::string name;  // of the guest's file, for display
  uint64_t digest = 0;
  std::map<MemopKey, MemopRecord> memops;

  // Adds the history of a block's memops. A memop that is shared in one of several blocks is
  // shared.
  void add(const CodeBlock& block);
  void add(const MemopKey& key, const MemopRecord& record);

  MemopAdvice advice(const MemopKey& key) const;
  // Of everything that advice depends on.
  uint32_t checksum() const;
};

struct Profile {
  std::vector<ProgramProfile> programs;

  const ProgramProfile* find(uint64_t digest) const;
};

// The profile's file: JSON, described in docs/code.md. Throws StatusError: CannotOpen, or
// Malformed with what is wrong and where.
Profile read_profile(const std::string& path);
Profile parse_profile(const std::string& text);
std::string profile_text(const Profile& profile);
// Throws StatusError(CannotOpen).
void write_profile(const Profile& profile, const std::string& path);

}  // namespace mtetso
