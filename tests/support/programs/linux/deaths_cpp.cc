// SPDX-License-Identifier: MIT
// Dies in the way that its argument names; what calls what is compared with a native run.
#include <algorithm>
#include <any>
#include <cstdio>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#define APART __attribute__((noinline))

namespace crash {
volatile int kept;

struct Base {
  Base() { call(this); }
  virtual ~Base() { call(this); }
  virtual int value() const = 0;
  APART static void call(const Base* self) {
    if (kept == 9) kept = self->value();
  }
};
struct Derived : Base {
  int value() const override { return kept; }
};
APART void pure() {
  kept = 9;
  Derived one;
  kept = one.value();
}
APART int virtual_of(Base* one) { return one->value() + 1; }
struct Vanished {
  virtual ~Vanished() = default;
  virtual int id() const { return kept; }
};
APART int null_table() {
  alignas(Vanished) static char room[sizeof(Vanished)];
  auto* one = reinterpret_cast<Vanished*>(room);
  asm volatile("" : "+r"(one)::"memory");
  return one->id() + 1;
}
APART void terminate_in_thread() {
  std::thread other([] { std::terminate(); });
  other.join();
}
APART void thrown_in_thread() {
  std::thread other([] { throw std::logic_error("in a thread"); });
  other.join();
}
APART void not_to_throw() noexcept {
  if (kept == 0) throw 5;
  kept = 3;
}
APART void joinable() {
  std::thread other([] { kept = 2; });
}
struct Thrower {
  ~Thrower() noexcept(false) { throw 3; }
};
APART void twice() {
  Thrower one;
  throw 4;
}
APART int by_function(const std::function<int(int)>& f) { return f(3) + 1; }
APART int closure(int* p) {
  return by_function([p](int n) { return by_function([p, n](int m) { return p[n + m]; }); });
}
APART int rethrown() {
  try {
    throw std::out_of_range("first");
  } catch (const std::logic_error&) {
    kept = 7;
    throw;
  }
}
APART int at(const std::vector<int>& all, unsigned index) { return all.at(index); }
APART int in_task(int* p) {
  auto later = std::async(std::launch::async, [p] { return *p; });
  return later.get();
}
APART int mapped(const std::map<std::string, int*>& all) {
  int sum = 0;
  std::for_each(all.begin(), all.end(), [&](const auto& pair) { sum += *pair.second; });
  return sum;
}
struct Static {
  ~Static() {
    if (kept == 77) kept = *cell;
  }
  int* cell = nullptr;
} last;
}  // namespace crash
using namespace crash;

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  if (how == "pure") pure();
  if (how == "null-this") kept = virtual_of(nullptr);
  if (how == "null-table") kept = null_table();
  if (how == "terminate-thread") terminate_in_thread();
  if (how == "throw-thread") thrown_in_thread();
  if (how == "noexcept") not_to_throw();
  if (how == "joinable") joinable();
  if (how == "twice") twice();
  if (how == "closure") kept = closure(nullptr);
  if (how == "rethrow") kept = rethrown();
  if (how == "at") kept = at({1, 2, 3}, 7);
  if (how == "async") kept = in_task(nullptr);
  if (how == "map") kept = mapped({{"one", nullptr}});
  if (how == "static-destructor") kept = 77;
  std::printf("%d\n", kept);
}
