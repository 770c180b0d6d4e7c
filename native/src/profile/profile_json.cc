// SPDX-License-Identifier: MIT
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "profile/profile.h"
#include "status.h"

namespace mtetso {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKind = "mtedbg-profile";
constexpr uint32_t kVersion = 2;  // 1 had no executions and no build ids

struct NamedValue {
  const char* name;
  uint32_t value;
};
constexpr NamedValue kAccesses[] = {{"load", MTEDBG_Access_Load},
                                    {"store", MTEDBG_Access_Store},
                                    {"rmw", MTEDBG_Access_ReadModifyWrite}};
constexpr NamedValue kModes[] = {
    {"local", MTEDBG_Mode_Local}, {"shared", MTEDBG_Mode_Shared}, {"either", MTEDBG_Mode_Either}};

[[noreturn]] void malformed(const std::string& what) {
  throw StatusError(Status::Malformed, "the profile is malformed: " + what);
}

// Without the library's own name and number: "[json.exception.out_of_range.403] key 'kind' …".
std::string in_words(const Json::exception& error) {
  const std::string whole = error.what();
  const size_t end = whole.find("] ");
  return end == std::string::npos ? whole : whole.substr(end + 2);
}

std::string hexadecimal(uint64_t value) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

uint64_t from_hexadecimal(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  if (!text.starts_with("0x")) malformed("'" + text + "' is not an address");
  const auto [stop, error] = std::from_chars(text.data() + 2, end, value, 16);
  if (error != std::errc() || stop != end) malformed("'" + text + "' is not an address");
  return value;
}

const char* name_of(std::span<const NamedValue> names, uint32_t value) {
  for (const NamedValue& one : names)
    if (one.value == value) return one.name;
  return "unknown";
}

uint32_t value_of(std::span<const NamedValue> names, const std::string& name) {
  for (const NamedValue& one : names)
    if (name == one.name) return one.value;
  malformed("'" + name + "' is not a known word");
}

std::optional<uint64_t> read_executions(const Json& memop) {
  const auto at = memop.find("executions");
  if (at == memop.end() || at->is_null()) return std::nullopt;
  return at->get<uint64_t>();
}

void read_memop(const Json& from, ProgramProfile& program) {
  const MemopKey key{from_hexadecimal(from.at("rip")), from.at("ordinal").get<uint32_t>()};
  program.add(key, {.access = value_of(kAccesses, from.at("access")),
                    .size = from.at("size").get<uint32_t>(),
                    .mode = value_of(kModes, from.at("mode")),
                    .flips = from.at("flips").get<uint32_t>(),
                    .faults = from.at("faults").get<uint32_t>(),
                    .pinned = from.at("pinned").get<bool>(),
                    .executions = read_executions(from)});
}

Json memop_json(const MemopKey& key, const MemopRecord& record) {
  return {{"rip", hexadecimal(key.guest_rip)},
          {"ordinal", key.ordinal},
          {"access", name_of(kAccesses, record.access)},
          {"size", record.size},
          {"mode", name_of(kModes, record.mode)},
          {"flips", record.flips},
          {"faults", record.faults},
          {"pinned", record.pinned},
          {"executions", record.executions ? Json(*record.executions) : Json()}};
}

}  // namespace

Profile parse_profile(const std::string& text) {
  Profile profile;
  try {
    const Json whole = Json::parse(text);
    if (whole.at("kind") != kKind) malformed(std::string("its kind is not ") + kKind);
    if (const Json& version = whole.at("version"); version != 1u && version != kVersion)
      malformed("its version is not 1 or " + std::to_string(kVersion));
    for (const Json& from : whole.at("programs")) {
      ProgramProfile& program = profile.programs.emplace_back();
      program.name = from.at("name").get<std::string>();
      program.path = from.value("path", "");
      program.identity.digest = from_hexadecimal(from.at("digest"));
      program.identity.build_id = from.value("build_id", "");
      for (const Json& memop : from.at("memops")) read_memop(memop, program);
    }
  } catch (const Json::exception& error) {
    malformed(in_words(error));
  }
  return profile;
}

Profile read_profile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // nothing, of an empty file
  if (!file.is_open() || errno != 0)
    throw StatusError(Status::CannotOpen,
                      "cannot read the profile " + path + ": " + std::strerror(errno));
  try {
    return parse_profile(text.str());
  } catch (const StatusError& error) {
    throw StatusError(error.status(), path + ": " + error.what());
  }
}

std::string profile_text(const Profile& profile) {
  Json whole = {{"kind", kKind}, {"version", kVersion}, {"programs", Json::array()}};
  for (const ProgramProfile& program : profile.programs) {
    Json memops = Json::array();
    for (const auto& [key, record] : program.memops) memops.push_back(memop_json(key, record));
    whole["programs"].push_back({{"name", program.name},
                                 {"path", program.path},
                                 {"build_id", program.identity.build_id},
                                 {"digest", hexadecimal(program.identity.digest)},
                                 {"memops", memops}});
  }
  // Names of files are any bytes, JSON is not.
  return whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mtetso
