/* For expressions: what C++ has besides. In `take`, both references are in registers; then SIGILL.
 */
namespace ns {

struct Base {
  long base = 7;
};

struct Derived : Base {
  long own = 8;
  static int shared;
  unsigned flag : 3;
  Derived& self = *this;
  long ask();
};

int Derived::shared = 5;
Derived global;

__attribute__((noinline)) long take(Derived& r, const long& n) {
  asm volatile("udf #0" : : "r"(&r), "r"(&n) : "memory");
  return r.own + n;
}

__attribute__((noinline)) long Derived::ask() { return take(*this, own); }

}  // namespace ns

int main() { return static_cast<int>(ns::global.ask()); }
