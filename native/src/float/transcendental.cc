// SPDX-License-Identifier: MIT
#include "float/transcendental.h"

#include <fenv.h>
#include <math.h>

#include <bit>

namespace mtetso::quad {
namespace {

_Float128 from(const Quad& value) { return std::bit_cast<_Float128>(value); }

// A guest's rounding and sticky bits are in the host's registers.
template <typename Function>
Quad computed(Function function) {
  fenv_t guests;
  feholdexcept(&guests);
  fesetround(FE_TONEAREST);
  const Quad made = std::bit_cast<Quad>(function());
  fesetenv(&guests);
  return made;
}

const _Float128 kLn2 = logf128(2);

}  // namespace

Quad power_of_two_less_one(const Quad& x) {
  return computed([&] { return expm1f128(from(x) * kLn2); });
}
Quad logarithm_to_two(const Quad& x) {
  return computed([&] { return log2f128(from(x)); });
}
Quad logarithm_to_two_of_one_more(const Quad& x) {
  return computed([&] { return log1pf128(from(x)) / kLn2; });
}
Quad arc_tangent(const Quad& y, const Quad& x) {
  return computed([&] { return atan2f128(from(y), from(x)); });
}
Quad sine(const Quad& x) {
  return computed([&] { return sinf128(from(x)); });
}
Quad cosine(const Quad& x) {
  return computed([&] { return cosf128(from(x)); });
}
Quad tangent(const Quad& x) {
  return computed([&] { return tanf128(from(x)); });
}

}  // namespace mtetso::quad
