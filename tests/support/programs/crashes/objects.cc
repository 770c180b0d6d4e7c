// Bugs of C++ objects: objects BUG HANDLER [threads]
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crash.h"

namespace shop {

template <typename T>
class Basket {
 public:
  explicit Basket(size_t count) : items_(new T[count]), count_(count) {
    for (size_t i = 0; i < count; ++i) items_[i] = T(i);
  }
  NOINLINE T& operator[](size_t i) {
    HERE();
    *const_cast<volatile T*>(&items_[i]) = T(1);
    return items_[i];
  }
  T* items_;
  size_t count_;
};

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  double width = 1, height = 2, depth = 3, weight = 4;
};

struct Square final : Shape {
  double area() const override { return width * height; }
};

}  // namespace shop

namespace {

volatile double seen;

template <typename T>
T* opaque(T* pointer) {
  HIDE(pointer);
  return pointer;
}

void about(const void* object, size_t size, size_t offset) {
  say("object", reinterpret_cast<uintptr_t>(object));
  say("size", size);
  say("access", reinterpret_cast<uintptr_t>(object) + offset);
}

NOINLINE double total(const shop::Shape* shape) {
  HERE();
  return shape->area() + 1;
}

void uaf_virtual() {
  auto* shape = opaque(static_cast<shop::Shape*>(new shop::Square));
  about(shape, sizeof(shop::Square), 0);
  delete shape;
  seen = total(opaque(shape));
}

void over_operator() {
  shop::Basket<uint64_t> basket(6);
  about(basket.items_, 48, 48);
  seen = static_cast<double>(basket[6]);
}

void over_vector() {
  std::vector<uint32_t> numbers(16, 1);
  about(numbers.data(), 64, 64);
  uint32_t* end = opaque(numbers.data());
  std::for_each(end, end + 20,
                [](uint32_t& number) { *const_cast<volatile uint32_t*>(&number) = 7; });
  seen = numbers[1];
}

NOINLINE size_t length_of(std::string_view text) {
  HERE();
  return std::count(text.begin(), text.end(), 'x') + 1;
}

void uaf_string_view() {
  std::string_view view;
  {
    std::string text(60, 'x');
    view = text;
    about(text.data(), text.size() + 1, 0);
  }
  const std::string_view* hidden = opaque(&view);
  seen = static_cast<double>(length_of(*hidden));
}

void uaf_closure() {
  auto kept = std::make_unique<std::vector<double>>(8, 1.0);
  double* data = kept->data();
  about(data, 64, 16);
  std::function<double(int)> later = [data](int i) {
    HERE();
    return *const_cast<volatile double*>(data + i) + 1;
  };
  kept.reset();
  seen = later(2);
}

void uaf_map() {
  std::map<std::string, int> stock{{"apples", 3}, {"pears", 4}, {"a plum of a long name", 5}};
  auto found = stock.find("pears");
  about(&*found - 0, 0, 0);
  int* number = opaque(&found->second);
  stock.erase(found);
  HERE();
  seen = *const_cast<volatile int*>(number) + 1;
}

void double_delete() {
  auto* shape = opaque(new shop::Square);
  about(shape, sizeof(shop::Square), 0);
  delete shape;
  HERE();
  operator delete(opaque(shape));
  NO_TAIL_CALL();
}

NOINLINE void check(int number) {
  if (number > 2) throw std::out_of_range("basket 4711: no such item");
}

void uncaught() {
  check(3);
  NO_TAIL_CALL();
}

void wrong_state() {
  std::function<void()> nothing;
  nothing();
  NO_TAIL_CALL();
}

const struct {
  const char* name;
  void (*run)();
} bugs[] = {
    {"uaf_virtual", uaf_virtual},     {"over_operator", over_operator},
    {"over_vector", over_vector},     {"uaf_string_view", uaf_string_view},
    {"uaf_closure", uaf_closure},     {"uaf_map", uaf_map},
    {"double_delete", double_delete}, {"uncaught", uncaught},
    {"wrong_state", wrong_state},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  for (const auto& bug : bugs)
    if (!strcmp(bug.name, argv[1])) return crash(bug.run, argv[2], argc > 3);
  return 1;
}
