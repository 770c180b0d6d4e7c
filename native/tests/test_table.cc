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

namespace {

// The record of a slot, read as a debugger does; nothing where its newest copy is not whole.
template <typename Memory>
std::optional<std::vector<uint64_t>> read_slot(const Memory& memory, uint64_t at, uint32_t stride) {
  const auto header = memory.template read<mtedbg_Slot>(at);
  if (header.generation == 0) return std::vector<uint64_t>{};
  std::vector<uint64_t> record(stride / sizeof(uint64_t));
  memory.read_bytes(at + sizeof header + (header.generation & 1) * stride, record.data(), stride);
  const uint32_t first = mtedbg_crc32(&header.generation, sizeof header.generation);
  const uint32_t wanted = (header.generation & 1) != 0 ? header.checksum1 : header.checksum0;
  if (mtedbg_crc32_more(first, record.data(), stride) != wanted) return std::nullopt;
  return record;
}

// All records up to the first slot that was never filled.
template <typename Memory>
std::vector<Item> read_slots(const Memory& memory, const mtedbg_Slots& slots) {
  std::vector<Item> items;
  const size_t entry = mtedbg_slot_size(sizeof(mtedbg_Chunk));
  for (uint32_t chunk = 0; chunk < slots.chunk_capacity; ++chunk) {
    const auto where = read_slot(memory, slots.chunks + chunk * entry, sizeof(mtedbg_Chunk));
    REQUIRE(where.has_value());
    if (where->empty()) break;
    for (uint32_t i = 0; i < slots.chunk_slots; ++i) {
      const auto item =
          read_slot(memory, where->front() + i * mtedbg_slot_size(slots.stride), slots.stride);
      REQUIRE(item.has_value());
      if (item->empty()) return items;
      items.push_back({item->at(0), item->at(1)});
      if (item->at(0) != 0) {
        REQUIRE(where->at(1) <= item->at(0));
        REQUIRE(where->at(2) > item->at(0));
      }
    }
  }
  return items;
}

void* allocate(size_t bytes) { return arena_allocate(bytes); }

constexpr uint64_t kItems = 20, kOfChunk = 1;  // the directory grows

// Adds, changes and takes away.
void fill_slots(mtedbg_Slots& slots) {
  for (uint64_t i = 1; i <= kItems; ++i) {
    const Item item{1000 - 3 * i, 1};
    mtedbg_slots_append(&slots, &item, item.a, item.a + 1, allocate);
    const uint64_t earlier = i / 2;
    const Item better{5000 + i, 2};
    if (i % 5 == 0) mtedbg_slots_change(&slots, earlier, &better, better.a, better.a + 1);
    if (i % 7 == 0) mtedbg_slots_remove(&slots, earlier);
  }
}

}  // namespace

TEST_CASE("slots: what is added, changed and taken away") {
  PublishedSlots<Item> slots;
  for (uint64_t i = 0; i < 1000; ++i) REQUIRE(slots.add({i + 1, i}, {i + 1, i + 2}) == i);
  slots.change(3, {7777, 8}, {7777, 7778});
  slots.remove(999);
  const auto items = read_slots(Here{}, slots.abi());
  REQUIRE(items.size() == 1000);
  CHECK(items[2].a == 3);
  CHECK(items[3].a == 7777);
  CHECK(items[998].a == 999);
  CHECK(items[999].a == 0);
  CHECK(slots.at(3).b == 8);
  CHECK(slots.abi().published == 1002);
  const auto* first = mtedbg_slots_bounds(&slots.abi(), 0);
  CHECK(first->low == 1);
  CHECK(first->high == 7778);
  CHECK(mtedbg_slots_bounds(&slots.abi(), 3)->high == UINT64_MAX);  // not full yet
}

TEST_CASE("slots: without memory nothing is changed") {
  mtedbg_Slots slots{};
  mtedbg_slots_open(&slots, sizeof(Item), kOfChunk);
  const auto none = [](size_t) -> void* { return nullptr; };
  const Item item{1, 1};
  CHECK(mtedbg_slots_append(&slots, &item, 1, 2, none) == -1);
  CHECK(slots.count == 0);
  REQUIRE(mtedbg_slots_reserve(&slots, allocate) == 0);
  CHECK(mtedbg_slots_append(&slots, &item, 1, 2, none) == 0);
  CHECK(mtedbg_slots_append(&slots, &item, 1, 2, none) == -1);
  CHECK(read_slots(Here{}, slots).size() == 1);
}

TEST_CASE("slots: at every instruction each record is whole, and what was there stays there") {
  static mtedbg_Slots slots;
  mtedbg_slots_open(&slots, sizeof(Item), kOfChunk);
  size_t most = 0, uncounted = 0;
  const size_t steps = single_step([] { fill_slots(slots); },
                                   [&](const Child& child) {
                                     const auto abi = child.read<mtedbg_Slots>(address_of(&slots));
                                     const auto items = read_slots(child, abi);
                                     REQUIRE(items.size() >= most);
                                     REQUIRE(items.size() >= abi.count);
                                     REQUIRE(items.size() <= abi.count + 1);
                                     most = items.size();
                                     uncounted += items.size() > abi.count;
                                     for (const Item& item : items)
                                       REQUIRE((item.b == 1 || item.b == 2 || item.a == 0));
                                   });
  CHECK(most == kItems);
  CHECK(uncounted > 0);
  CHECK(steps > 5000);
}

}  // namespace mtetso
