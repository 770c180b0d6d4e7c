// Streams, exceptions through frames with destructors, and threads, as plain g++ compiles them.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <future>
#include <iomanip>
#include <iostream>
#include <locale>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Counted {
  static inline std::atomic<int> alive{0};
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  ~Counted() { --alive; }
};

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int deep(int level) {
  Counted here;
  if (level == 0) throw Refused("level 0");
  try {
    return deep(level - 1) + 1;
  } catch (const std::logic_error&) {
    return -1;
  }
}

class Queue {
 public:
  void put(int value) {
    {
      std::lock_guard lock(mutex_);
      values_.push_back(value);
    }
    ready_.notify_one();
  }
  int take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !values_.empty(); });
    int value = values_.front();
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<int> values_;
};

void exceptions() {
  int caught = 0;
  for (int i = 0; i < 50; ++i) {
    try {
      deep(i % 20);
    } catch (const Refused& refused) {
      caught += std::string(refused.what()) == "level 0";
    }
  }
  std::cout << "caught " << caught << ", alive " << Counted::alive << '\n';
  try {
    std::vector<int>(3).at(5);
  } catch (const std::out_of_range& error) {
    std::cout << error.what() << '\n';
  }
  try {
    try {
      throw 5;
    } catch (int) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (const std::exception& error) {
    std::cout << error.what() << '\n';
  }
}

void threads() {
  Queue work, done;
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i)
    workers.emplace_back([&] {
      for (int value; (value = work.take()) >= 0;) done.put(value * value);
    });
  for (int i = 0; i < 200; ++i) work.put(i);
  std::int64_t sum = 0;
  for (int i = 0; i < 200; ++i) sum += done.take();
  for (int i = 0; i < 3; ++i) work.put(-1);
  for (auto& each : workers) each.join();
  std::cout << "squares " << sum << '\n';

  auto failing = std::async(std::launch::async, []() -> int { throw Refused("in a thread"); });
  try {
    failing.get();
  } catch (const Refused& refused) {
    std::cout << refused.what() << '\n';
  }
  std::atomic<unsigned> counter{0};
  std::once_flag once;
  int first = 0;
  std::vector<std::thread> many;
  for (int i = 0; i < 4; ++i)
    many.emplace_back([&] {
      std::call_once(once, [&] { ++first; });
      for (int j = 0; j < 500; ++j) counter.fetch_add(1, std::memory_order_relaxed);
    });
  for (auto& each : many) each.join();
  std::cout << "counter " << counter << ", once " << first << '\n';
}

void numbers() {
  std::mt19937 random(15);
  std::vector<double> values(200);
  std::normal_distribution<double> normal(1.5, 2.0);
  for (auto& each : values) each = normal(random);
  std::sort(values.begin(), values.end());
  std::cout << std::fixed << std::setprecision(12) << values.front() << ' ' << values.back() << ' '
            << std::accumulate(values.begin(), values.end(), 0.0) << '\n';
  std::cout << std::scientific << std::setprecision(17) << 1.0L / 3 << ' ' << std::hexfloat << 0.1
            << std::defaultfloat << '\n';
  std::map<std::string, int> words;
  std::istringstream text("one two three two three three");
  for (std::string word; text >> word;) ++words[word];
  for (const auto& [word, count] : words) std::cout << word << '=' << count << ' ';
  std::cout << '\n';
  std::string dates = "2026-11-29 1999-01-31";
  std::cout << std::regex_replace(dates, std::regex("(\\d+)-(\\d+)-(\\d+)"), "$3.$2.$1") << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  exceptions();
  threads();
  numbers();
  if (argc > 1 && std::string(argv[1]) == "terminate") throw Refused("nobody catches this");
  return 3;
}
