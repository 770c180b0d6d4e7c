// SPDX-License-Identifier: MIT
//
// Look-ups against insertions and removals; meant to run under ThreadSanitizer as well.
#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <semaphore>
#include <thread>
#include <vector>

#include "code/block_map.h"

namespace mtetso {
namespace {

constexpr uint64_t kFirst = 0x10000, kStep = 0x100, kLength = 0x80;

CodeBlock make_block(uint64_t base, uint64_t length) {
  CodeBlock block;
  block.record.base = base;
  block.record.length = length;
  return block;
}

std::vector<CodeBlock> row_of_blocks(size_t count) {
  std::vector<CodeBlock> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back(make_block(kFirst + i * kStep, kLength));
  return blocks;
}

CodeBlockMap* g_map = nullptr;
std::atomic<uint64_t> g_found_in_signal{0};

void look_up_in_signal(int) {
  const CodeBlock* found = g_map->lookup(kFirst + 4);
  if (found != nullptr && found->base() == kFirst) ++g_found_in_signal;
}

std::binary_semaphore g_reader_is_in(0), g_reader_may_go(0);
std::thread::id g_frozen;

void freeze_one_reader() {
  if (std::this_thread::get_id() != g_frozen) return;
  g_reader_is_in.release();
  g_reader_may_go.acquire();
}

}  // namespace

TEST_CASE("the edges of a block") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(3);
  for (const size_t i : {1, 0, 2}) CHECK(map.insert(&blocks[i]));
  for (const CodeBlock& block : blocks) {
    CHECK(map.lookup(block.base()) == &block);
    CHECK(map.lookup(block.end() - 1) == &block);
    CHECK(map.lookup(block.end()) == nullptr);
    CHECK(map.lookup(block.base() - 1) == nullptr);
  }
  CHECK(map.lookup(0) == nullptr);
  CHECK(map.lookup(UINTPTR_MAX) == nullptr);
}

TEST_CASE("overlaps are refused and change nothing") {
  CodeBlockMap map;
  const CodeBlock block = make_block(0x1000, 0x100);
  REQUIRE(map.insert(&block));
  for (const auto& [base, length] :
       {std::pair{0x1000, 0x100}, {0x0fff, 2}, {0x10ff, 1}, {0x0f00, 0x400}, {0x1080, 8}}) {
    const CodeBlock other = make_block(base, length);
    CHECK_FALSE(map.insert(&other));
  }
  CHECK(map.size() == 1);
  const CodeBlock before = make_block(0x0f00, 0x100), after = make_block(0x1100, 1);
  CHECK(map.insert(&before));
  CHECK(map.insert(&after));
}

TEST_CASE("every size, put in and taken out from the middle") {
  const auto blocks = row_of_blocks(70);
  CodeBlockMap map;
  std::vector<size_t> inside;
  const auto all_found = [&] {
    for (size_t i = 0; i < blocks.size(); ++i) {
      const bool there = std::find(inside.begin(), inside.end(), i) != inside.end();
      const CodeBlock* expected = there ? &blocks[i] : nullptr;
      if (map.lookup(blocks[i].base()) != expected) return false;
      if (map.lookup(blocks[i].end() - 1) != expected) return false;
      if (map.lookup(blocks[i].end()) != nullptr) return false;
    }
    return true;
  };
  for (size_t n = 0; n < blocks.size(); ++n) {
    const size_t next = n * 29 % blocks.size();  // 29 and 70 have no common factor
    REQUIRE(map.insert(&blocks[next]));
    inside.push_back(next);
    REQUIRE(all_found());
  }
  CHECK(map.size() == blocks.size());
  while (!inside.empty()) {
    const auto middle = inside.begin() + static_cast<ptrdiff_t>(inside.size() / 2);
    REQUIRE(map.remove(&blocks[*middle]));
    inside.erase(middle);
    REQUIRE(all_found());
  }
}

TEST_CASE("many chunks, in any order") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(5 * BlockChunk::kMost);
  std::vector<bool> inside(blocks.size());
  size_t wrong = 0;
  const auto check = [&](size_t i) {
    const CodeBlock* expected = inside[i] ? &blocks[i] : nullptr;
    wrong += map.lookup(blocks[i].base()) != expected;
    wrong += map.lookup(blocks[i].end() - 1) != expected;
    wrong += map.lookup(blocks[i].end()) != nullptr;
  };
  const auto check_all = [&] {
    for (size_t i = 0; i < blocks.size(); ++i) check(i);
  };
  const auto change = [&](size_t i) {
    const bool there = inside[i];
    wrong += map.insert(&blocks[i]) == there;
    if (there) wrong += !map.remove(&blocks[i]);
    inside[i] = !there;
    for (size_t near = i - std::min<size_t>(i, 1); near < std::min(i + 2, blocks.size()); ++near)
      check(near);
  };
  for (size_t i = 0; i < blocks.size(); ++i) change(i);  // upwards: every chunk is full
  check_all();
  std::mt19937 random(1);
  for (size_t i = 0; i < 4 * blocks.size(); ++i) change(random() % blocks.size());
  check_all();
  for (size_t i = blocks.size(); i-- > 0;)
    if (!inside[i]) change(i);  // downwards
  CHECK(map.size() == blocks.size());
  check_all();
  for (size_t i = 0; i < blocks.size(); ++i) change(i * 29 % blocks.size());
  CHECK(map.size() == 0);
  check_all();
  CHECK(wrong == 0);
}

TEST_CASE("removal") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(3);
  for (const CodeBlock& block : blocks) map.insert(&block);
  CHECK(map.remove(&blocks[1]));
  CHECK_FALSE(map.remove(&blocks[1]));
  CHECK(map.lookup(blocks[1].base()) == nullptr);
  CHECK(map.lookup(blocks[2].base()) == &blocks[2]);
  const CodeBlock impostor = make_block(blocks[0].base(), kLength);
  CHECK_FALSE(map.remove(&impostor));
  // The copy that was hidden during the removal has it too.
  CHECK(map.insert(&blocks[1]));
  CHECK(map.lookup(blocks[1].base()) == &blocks[1]);
  CHECK(map.size() == 3);
}

TEST_CASE("readers against writers") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(40);
  // The even ones are there all the time, the odd ones come and go.
  for (size_t i = 0; i < blocks.size(); i += 2) map.insert(&blocks[i]);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0}, lookups{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader)
    readers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed))
        for (size_t i = 0; i < blocks.size(); ++i) {
          const CodeBlock* found = map.lookup(blocks[i].base() + 4);
          const bool may_miss = i % 2 != 0;
          if (found != &blocks[i] && !(may_miss && found == nullptr)) ++wrong;
          ++lookups;
        }
    });
  // Until both sides have really met: a busy machine may start the readers late.
  for (int round = 0; round < 100 || lookups < 20000; ++round) {
    for (size_t i = 1; i < blocks.size(); i += 2) {
      REQUIRE(map.insert(&blocks[i]));
      REQUIRE(map.lookup(blocks[i].base()) == &blocks[i]);
    }
    for (size_t i = 1; i < blocks.size(); i += 2) {
      REQUIRE(map.remove(&blocks[i]));
      REQUIRE(map.lookup(blocks[i].base()) == nullptr);
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("look-ups in signal handlers, on writers as well") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(20);
  map.insert(&blocks[0]);
  g_map = &map;
  g_found_in_signal = 0;
  struct sigaction action = {};
  action.sa_handler = look_up_in_signal;
  sigaction(SIGUSR1, &action, nullptr);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop)
      for (const bool in : {true, false})
        for (size_t i = 1; i < blocks.size(); ++i)
          in ? map.insert(&blocks[i]) : map.remove(&blocks[i]);
  });
  // Signals of one kind merge while one is pending, so this counts those that came through.
  uint64_t sent = 0;
  while (g_found_in_signal < 500) {
    pthread_kill(writer.native_handle(), SIGUSR1);
    ++sent;
    std::this_thread::yield();
  }
  stop = true;
  writer.join();
  CHECK(sent >= 500);
}

TEST_CASE("a reader frozen inside a look-up holds up its copy and no other reader") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(3);
  map.insert(&blocks[0]);
  map.inside_lookup = freeze_one_reader;
  const CodeBlock* seen = nullptr;
  std::binary_semaphore known(0), go(0);
  std::thread reader([&] {
    known.release();
    go.acquire();
    seen = map.lookup(blocks[0].base());
  });
  known.acquire();
  g_frozen = reader.get_id();
  go.release();
  g_reader_is_in.acquire();

  std::atomic<bool> removed{false};
  std::thread writer([&] {
    map.remove(&blocks[0]);
    removed = true;
  });
  // Others see the change at once, although the writer is still waiting.
  while (map.lookup(blocks[0].base()) != nullptr) std::this_thread::yield();
  CHECK_FALSE(removed.load());
  g_reader_may_go.release();
  reader.join();
  writer.join();
  CHECK(removed.load());
  CHECK(seen == &blocks[0]);  // it read the copy that it was in, untouched
  g_frozen = {};
}

TEST_CASE("a writer waits for every reader, also where several have one slot") {
  CodeBlockMap map;
  const auto blocks = row_of_blocks(2);
  map.insert(&blocks[0]);
  map.insert(&blocks[1]);
  static thread_local bool freezes = false;
  static std::counting_semaphore<> in(0), go(0);
  map.inside_lookup = [] {
    if (!freezes) return;
    in.release();
    go.acquire();
  };
  constexpr size_t kReaders = kReaderSlots + 3;
  std::atomic<size_t> found{0};
  std::vector<std::thread> readers;
  for (size_t i = 0; i < kReaders; ++i)
    readers.emplace_back([&] {
      freezes = true;
      if (map.lookup(blocks[0].base()) == &blocks[0]) ++found;
    });
  for (size_t i = 0; i < kReaders; ++i) in.acquire();
  std::atomic<bool> removed{false};
  std::thread writer([&] {
    map.remove(&blocks[0]);
    removed = true;
  });
  while (map.lookup(blocks[0].base()) != nullptr) std::this_thread::yield();
  for (size_t i = 1; i <= kReaders; ++i) {
    CHECK_FALSE(removed.load());
    go.release();
    while (found < i) std::this_thread::yield();
  }
  for (std::thread& reader : readers) reader.join();
  writer.join();
  CHECK(removed.load());
  CHECK(map.lookup(blocks[1].base()) == &blocks[1]);
}

}  // namespace mtetso
