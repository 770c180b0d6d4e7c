// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "code/memop_words.h"
#include "debug/root.h"
#include "fault/interpret.h"
#include "memory/barriers.h"
#include "memory/guest_memory.h"
#include "memory/pages.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

// Where nothing is just now, nor soon: sanitizers have their own idea of which addresses are good,
// and the kernel fills what is free from its top, so that a thread's stack or the table of tags
// would be mapped in a hole of just the size that is needed.
uint64_t free_address() {
  constexpr size_t kRoom = size_t{1} << 30;
  void* there = mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (there == MAP_FAILED) std::abort();
  munmap(there, kRoom);
  return reinterpret_cast<uintptr_t>(there);
}

struct World {
  Protocol protocol;
  GuestMemory memory{protocol};
  explicit World(uint32_t shared = 0) : protocol(core_tags(shared, 8, MTEDBG_Policy_Sticky)) {
    static const bool ready = register_barriers();
    if (!ready) std::abort();
  }
};

}  // namespace

TEST_CASE("an image is where it was asked for, its loader's, or not at all") {
  World world(15);
  const uint64_t image = free_address();
  REQUIRE(world.memory.map_image(image + 100, 5000, 3));
  CHECK(world.memory.allows(image, 8192, PROT_READ | PROT_WRITE));
  CHECK_FALSE(world.memory.allows(image + 8192, 1, PROT_READ));
  CHECK(read_tag(image) == 3);
  CHECK(read_tag(image + 8191) == 3);
  CHECK_FALSE(world.memory.map_image(image + 4096, 4096, 3));
  CHECK(errno == EEXIST);
  CHECK_FALSE(world.memory.map_image(0, 4096, 3));
  CHECK_FALSE(world.memory.map_image(image, 0, 3));
  CHECK_FALSE(world.memory.map_image(image, UINT64_MAX, 3));
  std::memset(reinterpret_cast<void*>(image), 7, 4096);
  REQUIRE(world.memory.seal(image, 4096));
  CHECK_FALSE(world.memory.allows(image + 4090, 8, PROT_WRITE));
  CHECK(world.memory.allows(image + 4090, 8, PROT_READ));
  CHECK(world.memory.allows(image + 4096, 8, PROT_WRITE));
  // What never changes is read without its tags being looked at, next to what may.
  std::array<uint8_t, 16> read{};
  REQUIRE(world.memory.host_read(nullptr, image + 4088, read.data(), read.size()));
  CHECK(read[7] == 7);
  CHECK(read[8] == 0);
  CHECK_FALSE(world.memory.host_write(nullptr, image + 4088, read.data(), read.size()));
}

TEST_CASE("allocations have granules of their own, and their owner's tag") {
  World world;
  std::vector<uint64_t> addresses;
  for (uint32_t i = 0; i < 100; ++i) {
    const uint64_t at = world.memory.allocate(i, 1 + i % 15);
    REQUIRE(at % kGranule == 0);
    CHECK(read_tag(at) == 1 + i % 15);
    CHECK(read_tag(at + (i == 0 ? 0 : i - 1)) == 1 + i % 15);
    for (const uint64_t other : addresses) CHECK(other != at);
    addresses.push_back(at);
  }
  const uint64_t large = world.memory.allocate(5 << 20, 4);
  CHECK(world.memory.allows(large, 5 << 20, PROT_WRITE));
  CHECK(world.memory.allocate(UINT64_MAX, 1) == 0);
}

TEST_CASE("a stack has a guard below") {
  World world;
  uint64_t usable = 0;
  const uint64_t low = world.memory.map_stack(10000, 6, &usable);
  CHECK(usable >= 10000);
  CHECK(read_tag(low) == 6);
  CHECK(read_tag(low + usable - 1) == 6);
  CHECK_FALSE(world.memory.allows(low - 1, 1, PROT_READ));
}

TEST_CASE("what is guest memory") {
  World world;
  const uint64_t at = world.memory.allocate(64, 3);
  CHECK(world.memory.allows(with_tag(at, 9), 64, PROT_READ));
  CHECK(world.memory.allows(at, 0, PROT_READ));
  CHECK_FALSE(world.memory.allows(0, 0, PROT_READ));
  CHECK_FALSE(world.memory.allows(at, UINT64_MAX, PROT_READ));
  CHECK_FALSE(world.memory.allows(UINT64_MAX - 4, 8, PROT_READ));
  const int host = 0;
  CHECK_FALSE(world.memory.allows(reinterpret_cast<uintptr_t>(&host), 4, PROT_READ));
}

TEST_CASE("hundreds of regions, page by page") {
  constexpr uint64_t kPages = 1000, kFirst = 0x10000, kPage = 0x1000;
  Regions regions;
  std::array<int, kPages> expected{};
  std::mt19937 random(1);
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  const auto allowed = [&](uint64_t from, uint64_t to) {
    int all = PROT_READ | PROT_WRITE;
    for (uint64_t page = from; page < to; ++page) all &= expected[page];
    return all;
  };
  size_t most = 0;
  for (int round = 0; round < 2000; ++round) {
    const uint64_t from = below(kPages),
                   to = from + 1 + below(std::min<uint64_t>(6, kPages - from));
    const std::array kinds{PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    const int kind = kinds[below(kinds.size())];
    regions.set(kFirst + from * kPage, kFirst + to * kPage, kind);
    std::fill(&expected[from], &expected[to - 1] + 1, kind);
    most = std::max(most, regions.size());
    size_t runs = 0;
    for (uint64_t page = 0; page < kPages; ++page)
      if (expected[page] != PROT_NONE && (page == 0 || expected[page - 1] != expected[page]))
        ++runs;
    REQUIRE(regions.size() == runs);
    const uint64_t begin = below(kPages),
                   end = begin + 1 + below(std::min<uint64_t>(4, kPages - begin));
    REQUIRE(regions.protection(kFirst + begin * kPage, kFirst + end * kPage) ==
            allowed(begin, end));
    REQUIRE(regions.protection(kFirst + begin * kPage + 8, kFirst + (end - 1) * kPage + 9) ==
            allowed(begin, end));
  }
  CHECK(most > 100);
  CHECK(regions.protection(kFirst - 1, kFirst + 1) == PROT_NONE);
  CHECK(regions.protection(kFirst + kPages * kPage - 1, kFirst + kPages * kPage + 1) == PROT_NONE);
}

TEST_CASE("what a page allows while others are mapped and unmapped") {
  World world;
  const uint64_t page = world.memory.map_stack(4096, 3);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> asked{0}, wrong{0};
  std::thread reader([&] {
    for (; !stop; ++asked)
      if (!world.memory.allows(page, 4096, PROT_READ | PROT_WRITE)) ++wrong;
  });
  const uint64_t image = free_address();  // the thread's stack has its place by now
  for (int round = 0; round < 2000 || asked < 5000; ++round) {
    REQUIRE(world.memory.map_image(image, 4096, 3));
    REQUIRE(world.memory.allows(image, 4096, PROT_WRITE));
    REQUIRE(world.memory.unmap_image(image, 4096));
    REQUIRE_FALSE(world.memory.allows(image, 4096, PROT_READ));
  }
  stop = true;
  reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("what the host touches is as local afterwards") {
  for (const uint32_t shared : {0u, 15u}) {
    World world(shared);
    const uint64_t at = world.memory.allocate(96, 3);
    const char text[] = "forty characters and a few, over granules";
    REQUIRE(world.memory.host_write(nullptr, with_tag(at + 20, 7), text, sizeof text));
    for (uint64_t granule = at; granule < at + 96; granule += kGranule)
      CHECK(read_tag(granule) == 3);
    char back[sizeof text] = {};
    REQUIRE(world.memory.host_read(nullptr, at + 20, back, sizeof back));
    CHECK(std::memcmp(text, back, sizeof text) == 0);
    CHECK(debug_root().journal[0].operation == MTEDBG_Operation_None);
    CHECK_FALSE(world.memory.host_read(nullptr, 0x10, back, 4));
  }
}

TEST_CASE("only granules that are local have the guard tag, and only during the host's access") {
  World world;
  const uint64_t at = world.memory.allocate(48, 3);
  write_tags(at + 16, 16, world.protocol.shared_tag());
  const size_t lent = world.protocol.while_guarded(nullptr, at, 48, [&] {
    CHECK(read_tag(at) == world.protocol.tags().guard);
    CHECK(read_tag(at + 16) == world.protocol.shared_tag());
    CHECK(read_tag(at + 32) == world.protocol.tags().guard);
    CHECK(debug_root().journal[0].operation == MTEDBG_Operation_RetagOnly);
  });
  CHECK(lent == 2);
  CHECK(read_tag(at) == 3);
  CHECK(read_tag(at + 16) == world.protocol.shared_tag());
  CHECK(read_tag(at + 32) == 3);
}

TEST_CASE("the protocol's lock excludes") {
  RawLock lock;
  uint64_t counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 20000; ++n) {
        lock.lock();
        ++counter;
        lock.unlock();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(counter == 80000);
  CHECK_FALSE(lock.held());
}

TEST_CASE("interpreted accesses do what the instruction does") {
  alignas(16) std::array<uint8_t, 32> memory{};
  std::array<uint64_t, 31> x{};
  const auto run = [&](uint32_t word, size_t offset) {
    interpret(*decode_access(word), reinterpret_cast<uintptr_t>(memory.data()) + offset, x.data());
  };
  const auto value = [&] {
    uint64_t v;
    std::memcpy(&v, memory.data(), sizeof v);
    return v;
  };
  const auto start = [&](uint64_t in_memory, uint64_t x3, uint64_t x5) {
    std::memcpy(memory.data(), &in_memory, sizeof in_memory);
    x[3] = x3;
    x[5] = x5;
  };
  constexpr uint64_t kAll = 0x8877665544332211;
  start(kAll, UINT64_MAX, 0);
  run(0x39400203, 0);  // ldrb
  CHECK(x[3] == 0x11);
  run(0x79400203, 1);  // ldrh, misaligned
  CHECK(x[3] == 0x3322);
  run(0xb8bfc203, 0);  // ldapr w: the upper half is cleared
  CHECK(x[3] == 0x44332211);
  run(0xf9400203, 0);
  CHECK(x[3] == kAll);
  start(kAll, 0xaabbccddeeff, 0);
  run(0x39000203, 7);  // strb
  CHECK(value() == 0xff77665544332211);
  run(0x889ffe03, 2);  // stlr w, misaligned
  CHECK(value() == 0xff77ccddeeff2211);
  run(0xf900021f, 0);  // str xzr
  CHECK(value() == 0);
  start(0xffffffff00000001, 9, 0xffffffff);
  run(0xb8e50203, 0);  // ldaddal w: 1 + -1
  CHECK(value() == 0xffffffff00000000);
  CHECK(x[3] == 1);
  start(0xff, 0, 0x0f);
  run(0x38e51203, 0);  // ldclralb
  CHECK(value() == 0xf0);
  CHECK(x[3] == 0xff);
  start(0xff00, 0, 0x0ff0);
  run(0x78e52203, 0);  // ldeoralh
  CHECK(value() == 0xf0f0);
  start(1, 0, 1ull << 63);
  run(0xf8e53203, 0);  // ldsetal x
  CHECK(value() == (1ull << 63 | 1));
  start(5, 0, 6);
  run(0xf8e58203, 0);  // swpal x
  CHECK(value() == 6);
  CHECK(x[3] == 5);
  start(5, 77, 5);
  run(0xc8e5fe03, 0);  // casal x, equal
  CHECK(value() == 77);
  CHECK(x[5] == 5);
  start(6, 77, 5);
  run(0xc8e5fe03, 0);  // casal x, different
  CHECK(value() == 6);
  CHECK(x[5] == 6);
  CHECK(x[3] == 77);
}

// Writes as the engine would, and counts.
struct Owner : CodePages::Owner {
  void change_code(mtedbg_GuestFrame*, uint64_t begin, uint64_t end, std::string_view,
                   const std::function<void()>& write) override {
    asked.push_back({begin, end});
    write();
  }
  std::vector<std::pair<uint64_t, uint64_t>> asked;
};

TEST_CASE("pages that code was made from are told of a write before it is made") {
  Protocol protocol(core_tags(0, 8, MTEDBG_Policy_Sticky));
  GuestMemory memory(protocol);
  Owner owner;
  memory.code_pages().set_owner(owner);
  CodePages& pages = memory.code_pages();
  const uint64_t page = page_size();
  uint64_t size = 0;
  const uint64_t at = memory.map_stack(4 * page, 3, &size);
  CHECK_FALSE(pages.covers(at, 16));
  memory.allow_code(at + page, 2 * page);
  CHECK(read_tag(at) == 3);
  CHECK(read_tag(at + page) == 0);
  CHECK(pages.covers(at + page - 1, 2));
  CHECK_FALSE(pages.covers(at, page));
  CHECK_FALSE(pages.covers(at + 3 * page, 1));
  CHECK(memory.allows(at + page, 8, PROT_WRITE));

  CHECK(pages.protect(at + 2 * page - 4, 8));  // both pages
  CHECK(pages.holds(at + page, 1));
  CHECK(pages.holds(at + 2 * page, 1));
  CHECK_FALSE(pages.holds(at, page));
  const uint32_t value = 7;
  CHECK(memory.host_write(nullptr, at + 2 * page + 8, &value, sizeof value));
  CHECK(owner.asked.size() == 1);
  CHECK(owner.asked.back() == std::pair(at + 2 * page, at + 3 * page));
  CHECK(*reinterpret_cast<uint32_t*>(at + 2 * page + 8) == 7);
  CHECK(pages.holds(at + page, 1));
  CHECK_FALSE(pages.holds(at + 2 * page, page));
  // Also what begins in other memory, and what covers all of it.
  CHECK(pages.protect(at + page, 1));
  std::vector<char> all(size, 'x');
  CHECK(memory.host_write(nullptr, at, all.data(), all.size()));
  CHECK(owner.asked.back() == std::pair(at, at + 4 * page));
  CHECK_FALSE(pages.holds(at, size));
  CHECK(std::memcmp(reinterpret_cast<void*>(at), all.data(), size) == 0);
  uint32_t read = 0;
  CHECK(memory.host_read(nullptr, at + page, &read, sizeof read));
  CHECK(read == 0x78787878);
  CHECK_FALSE(memory.host_write(nullptr, at + size, &value, sizeof value));

  pages.remove(at + page, at + 2 * page);
  CHECK_FALSE(pages.covers(at, 2 * page));
  CHECK(pages.covers(at + 2 * page, 1));
}

TEST_CASE("a change of the map waits for whoever settles a fault there, and for nobody else") {
  constexpr uint64_t kLength = 2 * GuestMemory::kGuestPage;
  constexpr int kReadWrite = PROT_READ | PROT_WRITE;
  World world;
  GuestMemory& memory = world.memory;
  memory.expect_calls(3);
  const uint64_t at = free_address();
  const auto there = [&] { return GuestMemory::Still(memory).protection(at, kLength); };
  const std::function<int()> changes[] = {
      [&] { return memory.unmap(at, kLength); },
      [&] { return memory.forget(at, kLength); },
      [&] { return memory.protect(at, kLength, PROT_READ, 3); },
      [&] { return memory.protect(at, kLength, PROT_NONE, 3); },
      [&] { return memory.move(at, kLength, at + kLength); },
  };
  for (const auto& change : changes) {
    REQUIRE(memory.map_anonymous(at, kLength, kReadWrite) == 0);
    CHECK((there() & Regions::kReady) == 0);
    CHECK(GuestMemory::Held(memory).touch(nullptr, at, kLength));
    std::atomic<bool> changed{false};
    std::thread changer;
    {
      const GuestMemory::Still still(memory);
      REQUIRE(still.protection(at, kLength) == (kReadWrite | Regions::kReady | Regions::kPrivate));
      // Another fault is settled, or memory gets its owner, beside it.
      CHECK(there() == (kReadWrite | Regions::kReady | Regions::kPrivate));
      CHECK_FALSE(GuestMemory::Held(memory).touch(nullptr, at, kLength));
      changer = std::thread([&] {
        CHECK(change() == 0);
        changed = true;
      });
      while ((there() & Regions::kReady) != 0) std::this_thread::yield();
      CHECK_FALSE(changed);
      // As it was: another thread's change has not begun.
      write_tags(at, kLength, 5);
      *reinterpret_cast<volatile char*>(at) = 1;
      CHECK(read_tag(at) == 5);
    }
    changer.join();
    memory.unmap(at, 2 * kLength);
  }
}

TEST_CASE("memory that the guest may only read has no owner") {
  World world;
  world.memory.expect_calls(3);
  const uint64_t length = GuestMemory::kGuestPage, at = free_address();
  REQUIRE(world.memory.map_anonymous(at, length, PROT_READ) == 0);
  REQUIRE(world.memory.map_anonymous(at + length, length, PROT_READ | PROT_WRITE) == 0);
  CHECK(GuestMemory::Held(world.memory).touch(nullptr, at, 2 * length));
  CHECK(read_tag(at) == world.protocol.shared_tag());
  CHECK(read_tag(at + length) == 3);
  world.memory.unmap(at, 2 * length);
}

TEST_CASE("memory of several processes keeps the shared tag") {
  const uint64_t length = GuestMemory::kGuestPage;
  for (const uint32_t shared : {0u, 15u}) {
    World world(shared);
    GuestMemory& memory = world.memory;
    memory.expect_calls(3);
    const uint64_t at = free_address();
    REQUIRE(memory.map_shared(at, 2 * length, PROT_READ | PROT_WRITE) == 0);
    REQUIRE(memory.map_anonymous(at + 2 * length, length, PROT_READ | PROT_WRITE) == 0);
    // Other tags than 0 are not on the pages before the first access.
    CHECK(memory.is_outside(at) == (shared != 0));
    CHECK(memory.shared_word(at + 4) == (shared == 0 ? at + 4 : memory.outside(at + 4, 4)));
    CHECK(memory.shared_word(at + 2 * length) == 0);
    const auto bits = [&](uint64_t address, uint64_t bytes) {
      return GuestMemory::Still(memory).protection(address, bytes);
    };
    CHECK((bits(at, 8) & Regions::kReady) == (shared == 0 ? Regions::kReady : 0));
    GuestMemory::Held(memory).touch(nullptr, at, 3 * length);
    CHECK((bits(at + 2 * length, 8) & Regions::kPrivate) != 0);
    CHECK((bits(at, 8) & Regions::kPrivate) == 0);
    CHECK((bits(at + 2 * length - 8, 16) & Regions::kPrivate) == 0);
    memory.hand_over(nullptr, at, at + 3 * length, 4);
    CHECK(read_tag(at + 2 * length) == 4);
    if (shared == 0) CHECK(read_tag(at) == shared);
    // What may be executed is written by the host alone, and keeps its bytes.
    const uint32_t value = 7;
    REQUIRE(memory.host_write(nullptr, at + length, &value, sizeof value));
    REQUIRE(memory.protect(at, 2 * length, PROT_READ | PROT_EXEC, 3) == 0);
    uint32_t kept = 0;
    REQUIRE(memory.is_outside(at + length));
    REQUIRE(memory.host_read(nullptr, at + length, &kept, sizeof kept));
    CHECK(kept == value);
    memory.unmap(at, 3 * length);
  }
}

}  // namespace mtetso
