// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "debug/arena.h"
#include "debug/table.h"
#include "single_step.h"

namespace mtetso {
namespace {

struct Item {
  uint64_t a;
  uint64_t b;
};

// What a buffer holds, read as a debugger does; nothing where it is not whole.
template <typename Memory>
std::optional<std::vector<Item>> read_buffer(const Memory& memory, uint64_t at, uint64_t wanted) {
  if (at == 0) return std::nullopt;
  const auto header = memory.template read<mtedbg_Buffer>(at);
  if (header.gen_begin != wanted || header.stride != sizeof(Item) || header.count > header.capacity)
    return std::nullopt;
  std::vector<Item> items(header.count);
  const size_t bytes = items.size() * sizeof(Item);
  memory.read_bytes(at + sizeof header, items.data(), bytes);
  if (memory.template read<uint64_t>(at + sizeof header + bytes) != wanted) return std::nullopt;
  if (mtedbg_crc32(items.data(), bytes) != header.checksum) return std::nullopt;
  return items;
}

struct Here {
  template <typename T>
  T read(uint64_t address) const {
    return *reinterpret_cast<const T*>(address);
  }
  void read_bytes(uint64_t address, void* out, size_t length) const {
    if (length != 0) std::memcpy(out, reinterpret_cast<const void*>(address), length);
  }
};

uint64_t buffer_of(const mtedbg_Table& table, uint64_t generation) {
  return generation % 2 == 0 ? table.buffer0 : table.buffer1;
}

// Generation g of the tests' tables: g records that all carry g.
std::vector<Item> items_of(uint64_t generation) {
  std::vector<Item> items;
  for (uint64_t i = 0; i < generation; ++i) items.push_back({generation, i});
  return items;
}

bool is_generation(const std::vector<Item>& items, uint64_t generation) {
  if (items.size() != generation) return false;
  for (uint64_t i = 0; i < items.size(); ++i)
    if (items[i].a != generation || items[i].b != i) return false;
  return true;
}

}  // namespace

TEST_CASE("the checksum is zlib's") {
  CHECK(mtedbg_crc32("123456789", 9) == 0xcbf43926);
  CHECK(mtedbg_crc32("", 0) == 0);
  // Each byte once, against a computation bit by bit.
  std::string text;
  uint32_t crc = ~uint32_t{0};
  for (uint32_t i = 0; i < 256; ++i) {
    text.push_back(static_cast<char>(i * 7));
    crc ^= i * 7 & 0xff;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
    REQUIRE(mtedbg_crc32(text.data(), text.size()) == ~crc);
  }
}

TEST_CASE("an empty table says so") {
  PublishedTable<Item> table;
  CHECK(table.abi().published == 0);
  table.publish({});
  CHECK(table.abi().published == 1);
  CHECK(read_buffer(Here{}, table.abi().buffer1, 1)->empty());
}

TEST_CASE("each generation stands in its buffer, and the one before in the other") {
  PublishedTable<Item> table;
  for (uint64_t g = 1; g < 100; ++g) {
    const auto items = items_of(g);
    table.publish(items);
    REQUIRE(table.abi().published == g);
    const auto now = read_buffer(Here{}, buffer_of(table.abi(), g), g);
    REQUIRE(now.has_value());
    CHECK(is_generation(*now, g));
    if (g == 1) continue;
    const auto old = read_buffer(Here{}, buffer_of(table.abi(), g - 1), g - 1);
    REQUIRE(old.has_value());
    CHECK(is_generation(*old, g - 1));
  }
}

TEST_CASE("a table may shrink, and outgrown buffers stay readable") {
  PublishedTable<Item> table;
  table.publish(items_of(1));
  const uint64_t first = table.abi().buffer1;
  table.publish(items_of(2));
  const auto many = items_of(1000);
  table.publish(many);
  CHECK(table.abi().buffer1 != first);
  CHECK(is_generation(*read_buffer(Here{}, first, 1), 1));
  table.publish(items_of(4));
  CHECK(is_generation(*read_buffer(Here{}, table.abi().buffer0, 4), 4));
}

TEST_CASE("at every instruction of a publication one whole generation can be read") {
  static PublishedTable<Item> table;
  table.publish(items_of(1));
  std::vector<std::vector<Item>> input;
  for (uint64_t g = 2; g <= 40; g += g < 5 ? 1 : 6) input.push_back(items_of(g));
  uint64_t newest = 0, torn = 0;
  const size_t steps = single_step(
      [&] {
        for (const auto& items : input) table.publish(items);
      },
      [&](const Child& child) {
        const auto abi = child.read<mtedbg_Table>(address_of(&table.abi()));
        const auto now = read_buffer(child, buffer_of(abi, abi.published), abi.published);
        REQUIRE(now.has_value());
        REQUIRE_FALSE(now->empty());
        REQUIRE(is_generation(*now, now->size()));
        REQUIRE(abi.published >= newest);
        newest = abi.published;
        const auto next = read_buffer(child, buffer_of(abi, abi.published + 1), abi.published + 1);
        if (!next) ++torn;
      });
  CHECK(newest == 1 + input.size());
  CHECK(torn > 100);  // the other buffer really was seen half full
  CHECK(steps > torn);
}

}  // namespace mtetso
