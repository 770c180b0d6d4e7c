// SPDX-License-Identifier: MIT
// Dies in the way that its argument names; what calls what is compared with a native run.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shapes {
struct Shape {
  virtual ~Shape() = default;
  virtual int area(int scale) const = 0;
  int* cells = nullptr;
};
struct Square : Shape {
  __attribute__((noinline)) int area(int scale) const override { return cells[scale] * scale; }
};
template <typename T>
__attribute__((noinline)) int total(const std::vector<T*>& all) {
  int sum = 0;
  for (const T* one : all) sum += one->area(static_cast<int>(all.size()));
  return sum + 1;
}
}  // namespace shapes

static volatile int kept;

__attribute__((noinline)) static void refuse(const std::string& what) {
  if (kept == 0) throw std::runtime_error(what);
  kept = 2;
}

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  shapes::Square square;
  std::vector<shapes::Shape*> all{&square};
  if (how == "virtual") kept = shapes::total(all);
  if (how == "throw") refuse("no such thing");
  if (how == "thread") {
    std::thread other([&] { kept = shapes::total(all); });
    other.join();
  }
  if (how == "sort") {
    std::vector<int*> numbers{argv[0] ? new int(3) : nullptr, reinterpret_cast<int*>(24),
                              new int(1)};
    std::sort(numbers.begin(), numbers.end(),
              [](const int* a, const int* b) { return kept < 9 && *a < *b; });
    kept = *numbers[0];
  }
  std::printf("%d\n", kept);
}
