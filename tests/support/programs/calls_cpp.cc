// Names that only a demangler reads: templates, lambdas, operators, anonymous namespaces.
#include <string>
#include <vector>

namespace {
volatile int sink;
char* volatile bad = reinterpret_cast<char*>(0x10);

template <class T>
struct Box {
  T value;
  __attribute__((noinline)) int put(volatile char* at, int left) {
    int found = left ? put(at, left - 1) : *at;
    sink = sink + found;
    return found + 1;
  }
  __attribute__((noinline)) int operator+(int right) {
    int found = put(bad, right) + 1;
    sink = sink + found;
    return found;
  }
};

struct Base {
  virtual int go(int) = 0;
  virtual ~Base() = default;
};

struct Derived : Base {
  int go(int count) override {
    Box<std::vector<std::string>> box;
    auto act = [&](int more) __attribute__((noinline)) {
      int found = (box + more) + 2;
      sink = sink + found;
      return found;
    };
    return act(count) + 3;
  }
};
}  // namespace

int main(int count, char**) {
  Derived one;
  Base* volatile base = &one;
  return base->go(count) + 1;
}
