// SPDX-License-Identifier: MIT
//
// The history of a program's memops, used for optimised code: in the same run (a better tier), in a
// later one (`--profile-out`, `--profile-in`), or by another translator.
//
// A memop is identified by its guest instruction and its place among that instruction's accesses, a
// program or library by its build id, or the digest of its code where it has none: addresses mean
// nothing if the bytes differ. Addresses are those in its file, wherever it was loaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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
  // How often control came to it; empty if that was not counted.
  std::optional<uint64_t> executions;

  bool operator==(const MemopRecord&) const = default;
};

// Whether an access needs order, as far as a run can tell.
enum class Need {
  Never,  // it was never run
  // It ran out of line from the start, which serves memory of both kinds without a fault; or it is
  // local, and whether it ran was not counted.
  Unknown,
  Local,  // it ran, and all that it touched belonged to one owner
  Order,  // it ran and met shared memory
};

Need need_of(const MemopRecord& record);

struct ModuleIdentity {
  std::string build_id;  // in hexadecimal; empty if there is none
  // Of the code: CRC-32 in the low half, length in the high one. 0 if it can change as it runs:
  // then it is the same as no other.
  uint64_t digest = 0;

  // By build ids, or by digests unless both have one.
  bool same(const ModuleIdentity& other) const;
};

struct ProgramProfile {
  std::string name;  // of the guest's file, for display
  std::string path;  // of the same file, where it was; empty if that is not known, or there is none
  ModuleIdentity identity;
  std::map<MemopKey, MemopRecord> memops;

  // Adds the history of a block's memops. A memop that is shared in one of several blocks is
  // shared. `load_bias`: guest addresses less those in the file.
  void add(const CodeBlock& block, uint64_t load_bias = 0);
  void add(const MemopKey& key, const MemopRecord& record);
  void add(const ProgramProfile& other);

  // Nothing has run yet; whether order was needed is still known.
  void forget_executions();

  MemopAdvice advice(const MemopKey& key) const;
  // Of everything that advice depends on.
  uint32_t checksum() const;
};

struct Profile {
  std::vector<ProgramProfile> programs;

  const ProgramProfile* find(const ModuleIdentity& identity) const;
  // To those of the same identity.
  void add(const ProgramProfile& program);
};

// Why a profile has nothing for the code of this name and identity, in words:
// "its copy.elf has build id 14f2853…, this one has 7ebc65e…".
std::string why_nothing(const Profile& profile, const std::string& name,
                        const ModuleIdentity& identity);

// "of 41200 executed accesses 99.5 % touched memory of one owner only; 214 instructions need
// order".
std::string summary(const Profile& profile);

// The profile's file: JSON, described in docs/code.md. Throws StatusError: CannotOpen, or
// Malformed with what is wrong and where.
Profile read_profile(const std::string& path);
Profile parse_profile(const std::string& text);
std::string profile_text(const Profile& profile);
// Whether write_profile could make its file now, which is left as it is. Throws
// StatusError(CannotOpen) if not.
void check_can_write(const std::string& path);
// Replaces the file by a whole one: readers see the old one or the new one, which stays if this
// fails. What is no regular file is written to. Throws StatusError(CannotOpen).
void write_profile(const Profile& profile, const std::string& path);

}  // namespace mtetso
