// SPDX-License-Identifier: MIT
//
// The debug root as a reader finds it: by its symbol, and by nothing but what the schema says.
#include <doctest/doctest.h>
#include <link.h>

#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "debug/arena.h"
#include "debug/journal.h"
#include "debug/root.h"
#include "fault/phases.h"

namespace mtetso {
namespace {

struct Schema {
  std::map<std::string, uint64_t> sizes, values;
  std::map<std::string, std::pair<std::string, uint64_t>> fields;  // kind, offset
  std::map<std::string, std::string> contracts, registers, caller;
};

Schema parse(const std::string& text) {
  Schema schema;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  CHECK(line == "mtedbg-schema 1");
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string first, second, third;
    uint64_t number = 0;
    words >> first >> second;
    if (first == "type") {
      words >> number;
      schema.sizes[second] = number;
    } else if (first == "contract" || first == "register" || first == "caller") {
      std::string equals;
      words >> equals >> third;
      (first == "contract"   ? schema.contracts
       : first == "register" ? schema.registers
                             : schema.caller)[second] = third;
    } else if (second == ":") {
      std::string at;
      words >> third >> at >> number;
      schema.fields[first] = {third, number};
    } else {
      words >> number;
      CHECK(second == "=");
      schema.values[first] = number;
    }
  }
  return schema;
}

std::map<std::string, mtedbg_Named> named_roots() {
  std::map<std::string, mtedbg_Named> found;
  const auto* entries = reinterpret_cast<const mtedbg_Named*>(::mtedbg_root.named);
  for (uint32_t i = 0; i < ::mtedbg_root.named_count; ++i)
    found[reinterpret_cast<const char*>(entries[i].name)] = entries[i];
  return found;
}

struct Once {
  Once() {
    CHECK(::mtedbg_root.state == MTEDBG_RootState_NotReady);
    CHECK(::mtedbg_root.self == 0);
    Options options;
    options.shared_tag = 15;
    options.cores = 4;
    options.policy = MTEDBG_Policy_Seed;
    options.pin_threshold = 3;
    publish_debug_root(options, "1.2.3", phase_points());
  }
};

void publish_once() { static Once once; }

}  // namespace

TEST_CASE("the root can be told from a copy of its bytes") {
  publish_once();
  const struct mtedbg_root& root = ::mtedbg_root;
  CHECK(std::memcmp(root.magic, "MTEDBGR", 8) == 0);
  CHECK(root.self == address_of(&root));
  CHECK(root.checksum == mtedbg_crc32(&root, offsetof(struct mtedbg_root, checksum)));
  CHECK(root.state == MTEDBG_RootState_Ready);
  CHECK(root.size == sizeof root);
  CHECK(std::string(reinterpret_cast<const char*>(root.name), root.name_length) == "mtetso");
}

TEST_CASE("the schema says where everything is and what it means") {
  publish_once();
  const char* text = reinterpret_cast<const char*>(::mtedbg_root.schema);
  CHECK(mtedbg_crc32(text, ::mtedbg_root.schema_size) == ::mtedbg_root.schema_checksum);
  const Schema schema = parse(std::string(text, ::mtedbg_root.schema_size));
  CHECK(schema.sizes.at("Block") == sizeof(mtedbg_Block));
  CHECK(schema.fields.at("Memop.mode") ==
        std::pair<std::string, uint64_t>("Mode", offsetof(mtedbg_Memop, mode)));
  CHECK(schema.values.at("Mode.Shared") == MTEDBG_Mode_Shared);
  CHECK(schema.contracts.at("range.base") == "block");
  CHECK(schema.contracts.at("core_id") == "tag");
  CHECK(schema.registers.at("frame") == "x28");
  CHECK(schema.registers.at("rsp") == "x4");
  CHECK(schema.caller.at("sp") == "x29+16");
  CHECK(schema.caller.size() == 13);
  CHECK(schema.registers.at("r15") == "x15");
  for (const auto& [name, field] : schema.fields) {
    const std::string type = name.substr(0, name.find('.'));
    const uint64_t width = field.first == "u64" ? 8 : 4;
    CHECK(field.second + width <= schema.sizes.at(type));
  }
}

TEST_CASE("every named root is there, of a type that the schema knows") {
  publish_once();
  const auto roots = named_roots();
  const std::map<std::string, std::pair<std::string, uint32_t>> wanted = {
      {"code-map", {"Block", MTEDBG_Form_Slots}},     {"retired", {"Block", MTEDBG_Form_Table}},
      {"segments", {"Segment", MTEDBG_Form_Slots}},   {"threads", {"Thread", MTEDBG_Form_Table}},
      {"functions", {"Function", MTEDBG_Form_Slots}}, {"phases", {"PhasePoint", MTEDBG_Form_Array}},
      {"journal", {"Journal", MTEDBG_Form_Array}},    {"config", {"Config", MTEDBG_Form_Record}},
      {"recorder", {"Recorder", MTEDBG_Form_Record}},
  };
  for (const auto& [name, type_and_form] : wanted) {
    CAPTURE(name);
    REQUIRE(roots.count(name) == 1);
    const mtedbg_Named& root = roots.at(name);
    CHECK(reinterpret_cast<const char*>(root.type_name) == type_and_form.first);
    CHECK(root.form == type_and_form.second);
    CHECK(root.address != 0);
    CHECK(root.stride != 0);
  }
  CHECK(roots.at("journal").count == kJournalSlots);
  const auto& config = *reinterpret_cast<const mtedbg_Config*>(roots.at("config").address);
  CHECK(config.shared_tag == 15);
  CHECK(config.cores == 4);
  CHECK(config.policy == MTEDBG_Policy_Seed);
  CHECK(config.pin_threshold == 3);
  CHECK(std::string(reinterpret_cast<const char*>(config.version), config.version_length) ==
        "1.2.3");
}

TEST_CASE("every phase has a place of its own in the code") {
  publish_once();
  const auto roots = named_roots();
  const auto* points = reinterpret_cast<const mtedbg_PhasePoint*>(roots.at("phases").address);
  std::map<uint64_t, uint32_t> places;
  std::map<uint32_t, int> phases;
  for (uint32_t i = 0; i < roots.at("phases").count; ++i) {
    places[points[i].address] = points[i].phase;
    ++phases[points[i].phase];
  }
  CHECK(places.size() == roots.at("phases").count);
  for (uint32_t phase = MTEDBG_Phase_Fault; phase <= MTEDBG_Phase_Resume; ++phase) {
    // [2] is written to shared and to local, [1] also to either.
    const int ways = phase == MTEDBG_Phase_PatchMemop     ? 2
                     : phase == MTEDBG_Phase_PatchAddress ? 3
                                                          : 1;
    CHECK(phases[phase] == ways);
  }
}

TEST_CASE("the note in the first page leads to the root") {
  publish_once();
  uint64_t found = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_NOTE) continue;
          const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
          const char* end = at + header.p_memsz;
          while (at + 12 <= end) {
            uint32_t sizes[3];
            std::memcpy(sizes, at, sizeof sizes);
            const char* name = at + 12;
            const char* description = name + (sizes[0] + 3) / 4 * 4;
            if (sizes[0] == 7 && std::memcmp(name, "mtedbg", 7) == 0 && sizes[1] == 8) {
              int64_t distance;
              std::memcpy(&distance, description, 8);
              *static_cast<uint64_t*>(out) = address_of(description) + distance;
            }
            at = description + (sizes[1] + 3) / 4 * 4;
          }
        }
        return 1;  // the executable comes first
      },
      &found);
  CHECK(found == address_of(&::mtedbg_root));
}

TEST_CASE("shutting down is said last") {
  publish_once();
  close_debug_root();
  CHECK(::mtedbg_root.state == MTEDBG_RootState_ShuttingDown);
}

}  // namespace mtetso
