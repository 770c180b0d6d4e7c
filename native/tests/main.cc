// SPDX-License-Identifier: MIT
//
// The test framework's implementation and its main function, compiled once for all tests. Both
// names: the header, which is precompiled without them, only derives the first from the second
// when it is read for the first time.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
