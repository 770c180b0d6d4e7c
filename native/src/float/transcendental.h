// SPDX-License-Identifier: MIT
//
// The transcendental functions of x87, in binary128 by the C library's own functions. With 49 bits
// more than the result, that is the nearest number but for one in about 2^48.
//
// Processors promise an error below one unit in the last place (Intel SDM volume 1, 8.3.10) and
// differ within it.
#pragma once

#include <cstdint>

namespace mtetso {

// A number of 128 bits as in memory.
struct Quad {
  uint64_t bits[2];
};

namespace quad {

// None of them changes the floating-point environment.
Quad power_of_two_less_one(const Quad& x);
Quad logarithm_to_two(const Quad& x);
Quad logarithm_to_two_of_one_more(const Quad& x);
Quad arc_tangent(const Quad& y, const Quad& x);
Quad sine(const Quad& x);
Quad cosine(const Quad& x);
Quad tangent(const Quad& x);

}  // namespace quad
}  // namespace mtetso
